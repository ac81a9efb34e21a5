import { invariant } from '../errors.ts'

/** Bytes that {@link ByteWriter.compactSize} takes for `value`. */
export function compactSizeLength(value: number): number {
  return value < 0xfd ? 1 : value <= 0xffff ? 3 : value <= 0xffff_ffff ? 5 : 9
}

/**
 * Writes little-endian values into a buffer that grows by doubling.
 *
 * @example
 * new ByteWriter().u32(1).compactSize(script.length).bytes(script).finish()
 */
export class ByteWriter {
  #buffer: Uint8Array
  #length = 0
  /** The view given last: messages of one length, one after the other, share it. */
  #view: Uint8Array | undefined

  constructor(capacity = 128) {
    this.#buffer = new Uint8Array(capacity)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  #room(extra: number): number {
    const at = this.#length
    const need = at + extra
    if (need > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(need, this.#buffer.length * 2))
      grown.set(this.#buffer.subarray(0, at))
      this.#buffer = grown
      this.#view = undefined
    }
    this.#length = need
    return at
  }

  u8(value: number): this {
    const at = this.#room(1)
    this.#buffer[at] = value
    return this
  }

  u16(value: number): this {
    const at = this.#room(2)
    this.#buffer[at] = value
    this.#buffer[at + 1] = value >>> 8
    return this
  }

  u16be(value: number): this {
    return this.u8(value >>> 8).u8(value)
  }

  /** The low 32 bits of `value`, signed or unsigned. */
  u32(value: number): this {
    const at = this.#room(4)
    const b = this.#buffer
    b[at] = value
    b[at + 1] = value >>> 8
    b[at + 2] = value >>> 16
    b[at + 3] = value >>> 24
    return this
  }

  u32be(value: number): this {
    return this.u8(value >>> 24)
      .u8(value >>> 16)
      .u8(value >>> 8)
      .u8(value)
  }

  /** The low 64 bits of `value`, signed or unsigned. */
  u64(value: bigint): this {
    const bits = BigInt.asUintN(64, value)
    return this.u32(Number(bits & 0xffff_ffffn)).u32(Number(bits >> 32n))
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length)
    this.#buffer.set(value, at)
    return this
  }

  /** Bytes `start` to `end` of `source`, without a view in between: what hot paths copy piecemeal. */
  range(source: Uint8Array, start: number, end: number): this {
    const at = this.#room(end - start)
    const b = this.#buffer
    // Below some hundred bytes a loop beats the making of a view.
    if (end - start <= 128) for (let i = start, k = at; i < end; i++, k++) b[k] = source[i]
    else b.set(source.subarray(start, end), at)
    return this
  }

  /** The low 64 bits of a whole `value` that a double holds exactly. */
  u64Number(value: number): this {
    return this.u32(value % 0x1_0000_0000).u32(Math.floor(value / 0x1_0000_0000))
  }

  compactSize(value: number): this {
    invariant(Number.isSafeInteger(value) && value >= 0, `compact size out of range: ${value}`)
    if (value < 0xfd) return this.u8(value)
    if (value <= 0xffff) return this.u8(0xfd).u16(value)
    if (value <= 0xffff_ffff) return this.u8(0xfe).u32(value)
    return this.u8(0xff)
      .u32(value % 0x1_0000_0000)
      .u32(Math.floor(value / 0x1_0000_0000))
  }

  /** A compact size and the bytes themselves. */
  sizedBytes(value: Uint8Array): this {
    return this.compactSize(value.length).bytes(value)
  }

  /** Keeps the first `length` bytes and drops the rest, so that one writer serves many messages without new memory. */
  reset(length = 0): this {
    this.#length = length
    return this
  }

  /** What was written so far, as a view that the next write or {@link ByteWriter.reset} makes stale. */
  view(): Uint8Array {
    const view = this.#view
    return view?.length === this.#length ? view : (this.#view = this.#buffer.subarray(0, this.#length))
  }

  /** A part of what was written, as a view that later writes leave alone; for many small records in one buffer. */
  written(start: number, end: number): Uint8Array {
    return this.#buffer.subarray(start, end)
  }

  /** What was written, as a view of exactly its length; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }
}
