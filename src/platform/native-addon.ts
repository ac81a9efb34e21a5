import { createRequire } from 'node:module'
import type { CurveBackend, HashBackend } from '../base/crypto/backend.ts'

/** A piece's next bytes as the addon takes them: SHA-1 so far, leaves, zeros, and the parts. */
export type NativePieceWork = readonly [
  state: Uint8Array | undefined,
  leaves: Uint8Array | undefined,
  zeros: number,
  ...parts: Uint8Array[],
]

/** What native/ exports. Results go into arrays that the caller brings: V8 need not move them out of its heap. */
export interface NativeAddon {
  readonly hashKind: string
  sha256(data: Uint8Array, out: Uint8Array): void
  sha256d(data: Uint8Array, out: Uint8Array): void
  hash160(data: Uint8Array, out: Uint8Array): void
  sha256dGather: HashBackend['sha256dGather']
  sha256dPairs: HashBackend['sha256dPairs']
  muhashMultiply: HashBackend['muhashMultiply']
  searchHeader: HashBackend['searchHeader']
  openCurve(): string | undefined
  verifyEcdsa: CurveBackend['verifyEcdsa']
  verifySchnorr: CurveBackend['verifySchnorr']
  checkTapTweak: CurveBackend['checkTapTweak']
  setThreadNice(nice: number): boolean
  /** Whether the processor has what the functions below need. */
  readonly hasPieceHashes: boolean
  /** Makes 96 bytes the SHA-1 of nothing. */
  sha1Start(state: Uint8Array): void
  sha1Finish(state: Uint8Array, out: Uint8Array): void
  sha256Pairs(pairs: Uint8Array, out: Uint8Array): void
  hashPieces(works: readonly NativePieceWork[]): void
  hashPiecesAside(works: readonly NativePieceWork[]): Promise<void>
}

let addon: NativeAddon | undefined | null = null

/** The optional accelerator; `undefined` where it was not built. */
export function loadAddon(): NativeAddon | undefined {
  if (addon !== null) return addon
  try {
    addon = createRequire(import.meta.url)('../../build/peers.node') as NativeAddon
  } catch {
    addon = undefined
  }
  return addon
}
