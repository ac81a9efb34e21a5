import { createHash, hash } from 'node:crypto'
import type { BulkHash, PieceWork, Sha1State } from '../base/ports/bulk-hash.ts'
import { loadAddon, type NativeAddon, type NativePieceWork } from './native-addon.ts'

const LEAF_BYTES = 16_384
const HASH_BYTES = 32
const ZEROS = new Uint8Array(65_536)

class OpenSslSha1 implements Sha1State {
  readonly #hash = createHash('sha1')

  take(data: Uint8Array): void {
    this.#hash.update(data)
  }

  digest(): Uint8Array {
    return this.#hash.digest()
  }
}

function hashPiece({ sha1, leaves, parts, zeros }: PieceWork): void {
  const state = sha1 as OpenSslSha1 | undefined
  let leaf = 0
  for (const part of parts) {
    state?.take(part)
    if (leaves === undefined) continue
    for (let at = 0; at < part.length; at += LEAF_BYTES) {
      leaves.set(hash('sha256', part.subarray(at, at + LEAF_BYTES), 'buffer'), HASH_BYTES * leaf++)
    }
  }
  for (let left = zeros; left > 0; left -= ZEROS.length)
    state?.take(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS)
}

/** A plain array: what is kept of a Buffer's `slice` would change with it. */
function hashOf(algorithm: 'sha1' | 'sha256', data: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = hash(algorithm, data, 'buffer')
  return new Uint8Array(buffer, byteOffset, length)
}

/** Hashes by OpenSSL, which has the processor's own instructions for them. */
export const openSslBulkHash: BulkHash = {
  name: 'OpenSSL',
  lanes: 1,
  sha1: data => hashOf('sha1', data),
  sha256: data => hashOf('sha256', data),
  sha256Pairs(pairs, out) {
    for (let at = 0; at < out.length; at += HASH_BYTES) {
      out.set(hash('sha256', pairs.subarray(2 * at, 2 * at + 2 * HASH_BYTES), 'buffer'), at)
    }
  },
  startSha1: () => new OpenSslSha1(),
  hashPieces: works => works.forEach(hashPiece),
  hashPiecesAside: undefined,
}

/** What the addon keeps of a message. */
const STATE_BYTES = 96
/** As many as native/sha1.h has. */
const LANES = 3

class NativeSha1 implements Sha1State {
  readonly bytes = new Uint8Array(STATE_BYTES)
  readonly #addon: NativeAddon

  constructor(addon: NativeAddon) {
    this.#addon = addon
    addon.sha1Start(this.bytes)
  }

  digest(): Uint8Array {
    const out = new Uint8Array(20)
    this.#addon.sha1Finish(this.bytes, out)
    return out
  }
}

function asNative({ sha1, leaves, parts, zeros }: PieceWork): NativePieceWork {
  return [(sha1 as NativeSha1 | undefined)?.bytes, leaves, zeros, ...parts]
}

function nativeBulkHash(addon: NativeAddon): BulkHash {
  return {
    ...openSslBulkHash,
    name: `native (${addon.hashKind}, ${LANES} pieces side by side)`,
    lanes: LANES,
    sha256Pairs: addon.sha256Pairs,
    startSha1: () => new NativeSha1(addon),
    hashPieces: works => addon.hashPieces(works.map(asNative)),
    hashPiecesAside: works => addon.hashPiecesAside(works.map(asNative)),
  }
}

const addon = loadAddon()

/** The fastest hashes of this machine: the native addon's where the processor has the instructions, else OpenSSL's. */
export const nodeBulkHash: BulkHash = addon?.hasPieceHashes ? nativeBulkHash(addon) : openSslBulkHash
