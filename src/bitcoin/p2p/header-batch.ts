import { equalBytes, toHexReversed } from '../../base/bytes/bytes.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import { blockWork, targetBytes, validTarget } from '../consensus/proof-of-work.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { type BlockHeader, decodeHeader, HEADER_SIZE } from '../primitives/block.ts'

const BITS_AT = 72
const PREVIOUS_AT = 4

/** Headers of one message, packed, with their hashes. */
export class HeaderBatch {
  readonly bytes: Uint8Array
  /** 32 bytes each. */
  readonly hashes: Uint8Array

  constructor(bytes: Uint8Array, crypto: Crypto) {
    this.bytes = bytes
    const count = bytes.length / HEADER_SIZE
    const ranges = new Uint32Array(2 * count)
    for (let i = 0; i < count; i++) {
      ranges[2 * i] = HEADER_SIZE * i
      ranges[2 * i + 1] = HEADER_SIZE * (i + 1)
    }
    this.hashes = new Uint8Array(32 * count)
    crypto.sha256dGather(bytes, ranges, 1, this.hashes)
  }

  get count(): number {
    return this.bytes.length / HEADER_SIZE
  }

  header(i: number): BlockHeader {
    return decodeHeader(this.bytes, HEADER_SIZE * i)
  }

  hash(i: number): Uint8Array {
    return this.hashes.subarray(32 * i, 32 * i + 32)
  }

  hashHex(i: number): string {
    return toHexReversed(this.hash(i))
  }

  /** The hash that a header builds on. */
  previous(i: number): Uint8Array {
    const at = HEADER_SIZE * i + PREVIOUS_AT
    return this.bytes.subarray(at, at + 32)
  }

  #bits(i: number): number {
    const at = HEADER_SIZE * i + BITS_AT
    const b = this.bytes
    return (b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24)) >>> 0
  }

  /** Whether each header has the work that its bits claim. */
  hasWork(params: NetworkParams): boolean {
    let bits = -1
    let target: Uint8Array | undefined
    for (let i = 0; i < this.count; i++) {
      if (this.#bits(i) !== bits) {
        bits = this.#bits(i)
        const number = validTarget(bits, params)
        target = number === undefined ? undefined : targetBytes(number)
      }
      if (target === undefined || !isAtMost(this.hash(i), target)) return false
    }
    return true
  }

  /** Whether each header builds on the one before it. */
  get isContinuous(): boolean {
    for (let i = 1; i < this.count; i++) if (!equalBytes(this.previous(i), this.hash(i - 1))) return false
    return true
  }

  /** Work that the headers claim together. */
  get work(): bigint {
    let work = 0n
    let bits = -1
    let each = 0n
    for (let i = 0; i < this.count; i++) {
      if (this.#bits(i) !== bits) {
        bits = this.#bits(i)
        each = blockWork(bits)
      }
      work += each
    }
    return work
  }
}

/** Whether a hash is at most a target, both of 32 little-endian bytes. */
function isAtMost(hash: Uint8Array, target: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) if (hash[i] !== target[i]) return hash[i] < target[i]
  return true
}
