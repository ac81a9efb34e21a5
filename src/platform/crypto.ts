import type { Crypto, HashBackend } from '../base/crypto/backend.ts'
import { loadAddon, type NativeAddon } from './native-addon.ts'

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
