import { emptyBytes } from './bytes.ts'

/**
 * Reads little-endian values from bytes that may be hostile. A read past the end or a non-canonical compact size does not
 * throw: it marks the reader as failed and returns zero or nothing, so that a parser can read a whole record and ask
 * {@link ByteReader.failure} once.
 *
 * @example
 * const reader = new ByteReader(payload)
 * const version = reader.u32()
 * const script = reader.bytes(reader.compactSize())
 * if (reader.failure) return reject(reader.failure)
 */
export class ByteReader {
  readonly source: Uint8Array
  /** Offset of the next byte to be read. */
  position: number
  readonly end: number
  /** Why reading failed: `truncated`, or `non-canonical-size`; undefined while all is well. */
  failure: string | undefined

  constructor(source: Uint8Array, position = 0, end = source.length) {
    this.source = source
    this.position = position
    this.end = end
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.end - this.position
  }

  /** Marks the reader as failed, keeping the first reason; nothing more can be read. */
  fail(reason: string): void {
    this.failure ??= reason
    this.position = this.end
  }

  #take(length: number): number {
    const at = this.position
    // A length above 2^53 or NaN cannot come from compactSize; a negative one would be a bug of ours.
    if (length > this.end - at) {
      this.fail('truncated')
      return -1
    }
    this.position = at + length
    return at
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.source[at]
  }

  u16(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : this.source[at] | (this.source[at + 1] << 8)
  }

  /** Big-endian, as ports travel in addresses. */
  u16be(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : (this.source[at] << 8) | this.source[at + 1]
  }

  i32(): number {
    const at = this.#take(4)
    if (at < 0) return 0
    const b = this.source
    return b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24)
  }

  u32(): number {
    return this.i32() >>> 0
  }

  u32be(): number {
    const at = this.#take(4)
    if (at < 0) return 0
    const b = this.source
    return ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0
  }

  /** Unsigned 64 bits. */
  u64(): bigint {
    const low = this.u32()
    const high = this.u32()
    return (BigInt(high) << 32n) | BigInt(low)
  }

  /** Signed 64 bits. */
  i64(): bigint {
    return BigInt.asIntN(64, this.u64())
  }

  /** A view (no copy) of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return at < 0 ? emptyBytes() : this.source.subarray(at, at + length)
  }

  /** Skips `length` bytes. */
  skip(length: number): void {
    this.#take(length)
  }

  /**
   * A compact size (1, 3, 5 or 9 bytes), which must be in its shortest form and at most `max` (2^53 − 1 unless said).
   * Fails with `non-canonical-size` or `size-too-large`.
   */
  compactSize(max = Number.MAX_SAFE_INTEGER): number {
    const first = this.u8()
    let value = first
    let least = 0
    if (first === 0xfd) {
      value = this.u16()
      least = 0xfd
    } else if (first === 0xfe) {
      value = this.u32()
      least = 0x1_0000
    } else if (first === 0xff) {
      const low = this.u32()
      value = this.u32() * 0x1_0000_0000 + low
      least = 0x1_0000_0000
    }
    if (this.failure) return 0
    if (value < least) this.fail('non-canonical-size')
    else if (value > max) this.fail('size-too-large')
    else return value
    return 0
  }
}
