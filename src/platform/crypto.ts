import { createRequire } from 'node:module'
import type { Crypto, CurveBackend, HashBackend } from '../base/crypto/backend.ts'

/** What native/addon.c exports. Results go into arrays that the caller brings: V8 need not move them out of its heap. */
interface NativeAddon {
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
}

let addon: NativeAddon | undefined | null = null

function loadAddon(): NativeAddon | undefined {
  if (addon !== null) return addon
  try {
    addon = createRequire(import.meta.url)('../../build/peers.node') as NativeAddon
  } catch {
    addon = undefined
  }
  return addon
}

function nativeHashes(native: NativeAddon): HashBackend {
  return {
    hashName: `native (${native.hashKind})`,
    sha256(data, out = new Uint8Array(32)) {
      native.sha256(data, out)
      return out
    },
    sha256d(data, out = new Uint8Array(32)) {
      native.sha256d(data, out)
      return out
    },
    hash160(data, out = new Uint8Array(20)) {
      native.hash160(data, out)
      return out
    },
    sha256dGather: native.sha256dGather,
    sha256dPairs: native.sha256dPairs,
    muhashMultiply: native.muhashMultiply,
    searchHeader: native.searchHeader,
  }
}

/**
 * The fastest cryptography of this machine: the native addon's hashes and the system's libsecp256k1 where both are there,
 * else whichever is, the portable twins for the rest.
 *
 * @example
 * const crypto = await loadCrypto()
 * log(`${crypto.hashName}, ${crypto.curveName}`)
 */
export async function loadCrypto(options: { portable?: boolean } = {}): Promise<Crypto> {
  const native = options.portable ? undefined : loadAddon()
  const library = native?.openCurve()
  if (native === undefined || library === undefined) {
    const { portableCrypto } = await import('../base/crypto/portable.ts')
    return native === undefined ? portableCrypto : { ...portableCrypto, ...nativeHashes(native) }
  }
  return {
    ...nativeHashes(native),
    curveName: library,
    verifyEcdsa: native.verifyEcdsa,
    verifySchnorr: native.verifySchnorr,
    checkTapTweak: native.checkTapTweak,
  }
}

/** Lowers the calling thread's priority where the system can do that; whether it did. */
export function setThreadNice(nice: number): boolean {
  return loadAddon()?.setThreadNice(nice) ?? false
}
