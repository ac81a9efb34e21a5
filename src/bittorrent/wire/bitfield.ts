/** A set of pieces, as BEP 3 sends it: piece 0 is the high bit of the first byte. */
export class Bitfield {
  readonly bytes: Uint8Array
  readonly size: number
  #count = 0

  constructor(size: number) {
    this.size = size
    this.bytes = new Uint8Array((size + 7) >>> 3)
  }

  /** BEP 3: the length must fit and the spare bits must be clear; `undefined` where not so. */
  static fromBytes(bytes: Uint8Array, size: number): Bitfield | undefined {
    if (bytes.length !== (size + 7) >>> 3) return undefined
    const spare = bytes.length * 8 - size
    if (spare > 0 && (bytes[bytes.length - 1] & ((1 << spare) - 1)) !== 0) return undefined
    const field = new Bitfield(size)
    field.bytes.set(bytes)
    let count = 0
    for (let byte of bytes) for (; byte !== 0; byte &= byte - 1) count++
    field.#count = count
    return field
  }

  /** How many pieces are in the set. */
  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.size
  }

  has(piece: number): boolean {
    return (this.bytes[piece >>> 3] & (0x80 >>> (piece & 7))) !== 0
  }

  /** Adds a piece; false where it was in already. */
  add(piece: number): boolean {
    if (this.has(piece)) return false
    this.bytes[piece >>> 3] |= 0x80 >>> (piece & 7)
    this.#count++
    return true
  }

  /** Takes a piece out; false where it was not in. */
  remove(piece: number): boolean {
    if (!this.has(piece)) return false
    this.bytes[piece >>> 3] &= ~(0x80 >>> (piece & 7))
    this.#count--
    return true
  }

  fill(): void {
    this.bytes.fill(0xff)
    const spare = this.bytes.length * 8 - this.size
    if (spare > 0) this.bytes[this.bytes.length - 1] &= 0xff << spare
    this.#count = this.size
  }
}
