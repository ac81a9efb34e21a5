import { HDKey } from '@scure/bip32'
import { ByteReader } from '../bytes/reader.ts'
import { ByteWriter } from '../bytes/writer.ts'
import { HARDENED_INDEX } from './hardened-index.ts'
import { isPublicKey, isSecretKey, publicKeyOf } from './keys.ts'

/** Bytes of a serialised key behind its network's prefix. */
export const HD_KEY_SIZE = 74

/** A BIP32 extended key: public, and secret too where `secret` is there. */
export interface HdKey {
  readonly depth: number
  /** First four bytes of the hash of the parent's public key, as a big-endian number; 0 for a master key. */
  readonly parentFingerprint: number
  readonly index: number
  readonly chainCode: Uint8Array
  /** 33 bytes. */
  readonly publicKey: Uint8Array
  readonly secret?: Uint8Array
}

/** Reads the 74 bytes behind the prefix of an xpub or xprv; `undefined` where they are not a key. */
export function decodeHdKey(bytes: Uint8Array, kind: 'public' | 'secret'): HdKey | undefined {
  if (bytes.length !== HD_KEY_SIZE) return undefined
  const reader = new ByteReader(bytes)
  const place = { depth: reader.u8(), parentFingerprint: reader.u32be(), index: reader.u32be() }
  const chainCode = reader.bytes(32).slice()
  const key = reader.bytes(33)
  if (place.depth === 0 && (place.parentFingerprint !== 0 || place.index !== 0)) return undefined
  if (kind === 'public') return isPublicKey(key) ? { ...place, chainCode, publicKey: key.slice() } : undefined
  const secret = key.slice(1)
  if (key[0] !== 0 || !isSecretKey(secret)) return undefined
  return { ...place, chainCode, publicKey: publicKeyOf(secret), secret }
}

/** The 74 bytes of a key; the secret form needs a key with its secret. */
export function encodeHdKey(key: HdKey, kind: 'public' | 'secret'): Uint8Array {
  const writer = new ByteWriter(HD_KEY_SIZE).u8(key.depth).u32be(key.parentFingerprint).u32be(key.index)
  writer.bytes(key.chainCode)
  if (kind === 'public' || key.secret === undefined) return writer.bytes(key.publicKey).finish()
  return writer.u8(0).bytes(key.secret).finish()
}

/** A master key from 16 to 64 bytes of seed. */
export function hdMasterKey(seed: Uint8Array): HdKey {
  return fromScure(HDKey.fromMasterSeed(seed))
}

/**
 * BIP32: the child of that index. `undefined` where it is hardened and the secret is missing, where depth would pass 255, or in
 * the practically impossible case that it lies outside the group.
 */
export function deriveHdChild(key: HdKey, index: number): HdKey | undefined {
  if (key.depth === 255 || (index >= HARDENED_INDEX && key.secret === undefined)) return undefined
  const { depth, parentFingerprint, chainCode } = key
  const material = key.secret === undefined ? { publicKey: key.publicKey } : { privateKey: key.secret }
  const child = new HDKey({ depth, parentFingerprint, index: key.index, chainCode, ...material }).deriveChild(index)
  // The package steps on to the next index where Bitcoin Core gives up.
  return child.index === index ? fromScure(child) : undefined
}

/** The key without its secret. */
export function hdPublicOnly(key: HdKey): HdKey {
  const { secret: _, ...rest } = key
  return rest
}

function fromScure(key: HDKey): HdKey {
  const plain: HdKey = {
    depth: key.depth,
    parentFingerprint: key.parentFingerprint,
    index: key.index,
    chainCode: key.chainCode!,
    publicKey: key.publicKey!,
  }
  return key.privateKey === null ? plain : { ...plain, secret: key.privateKey }
}
