import { equalBytes } from '../../base/bytes/bytes.ts'
import type { OpenFile } from '../../base/ports/files.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { RECORD_HEADER_SIZE, xorInPlace } from './block-files.ts'
import type { Allocate } from './spent-coins.ts'

/** The longest record that is taken for a block. */
const RECORD_SIZE_MAX = 0x0200_0000
const WINDOW_BYTES = 8 << 20

/** A block found in a file: where its bytes stand, and they themselves. */
export interface ScannedBlock {
  readonly position: number
  readonly bytes: Uint8Array
}

/**
 * Finds the blocks in a file of framed blocks: magic, size, bytes, with anything in between. What lies between two blocks, or is cut
 * off, is passed over.
 */
export class BlockScanner {
  readonly #file: OpenFile
  readonly #magic: Uint8Array
  readonly #xorKey: Uint8Array
  readonly #allocate: Allocate
  #window = new Uint8Array(0)
  #windowStart = 0

  /** @param allocate where the blocks' bytes are to live */
  constructor(
    file: OpenFile,
    magic: Uint8Array,
    xorKey: Uint8Array,
    allocate: Allocate = byteLength => new ArrayBuffer(byteLength),
  ) {
    this.#allocate = allocate
    this.#file = file
    this.#magic = magic
    this.#xorKey = xorKey
  }

  /** The bytes from `position` on, `length` of them or fewer at the end of the file; a view until the next call. */
  #view(position: number, length: number): Uint8Array {
    const offset = position - this.#windowStart
    if (offset < 0 || offset + length > this.#window.length) {
      const wanted = Math.max(length, WINDOW_BYTES)
      const window = new Uint8Array(wanted)
      const read = this.#file.readAt(window, position)
      this.#window = window.subarray(0, read)
      xorInPlace(this.#window, this.#xorKey, position)
      this.#windowStart = position
      return this.#window.subarray(0, length)
    }
    return this.#window.subarray(offset, offset + length)
  }

  /** The next block at or behind `from`; undefined at the end of the file. Its bytes are a copy. */
  next(from: number): ScannedBlock | undefined {
    for (let at = from; ; at++) {
      const header = this.#view(at, RECORD_HEADER_SIZE)
      if (header.length < RECORD_HEADER_SIZE) return undefined
      if (header[0] !== this.#magic[0] || !equalBytes(header.subarray(0, 4), this.#magic)) continue
      const size = (header[4] | (header[5] << 8) | (header[6] << 16) | (header[7] << 24)) >>> 0
      if (size < HEADER_SIZE || size > RECORD_SIZE_MAX) continue
      const bytes = this.#view(at + RECORD_HEADER_SIZE, size)
      if (bytes.length < size) continue
      const copy = new Uint8Array(this.#allocate(size), 0, size)
      copy.set(bytes)
      return { position: at + RECORD_HEADER_SIZE, bytes: copy }
    }
  }
}
