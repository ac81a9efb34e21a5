import { concatBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { decodeHdKey, encodeHdKey, HD_KEY_SIZE, type HdKey } from '../../base/crypto/hd-key.ts'
import { decodeBase58Check, encodeBase58Check } from '../../base/encoding/base58.ts'
import type { AddressPrefixes } from './address.ts'

/** BIP32: an extended key of the network from its text, secret (`xprv…`) or public (`xpub…`); `undefined` if it is neither. */
export function decodeExtendedKey(text: string, prefixes: AddressPrefixes): HdKey | undefined {
  const data = decodeBase58Check(text, HD_KEY_SIZE + 4)
  if (data === undefined) return undefined
  for (const [prefix, kind] of [
    [prefixes.xprv, 'secret'],
    [prefixes.xpub, 'public'],
  ] as const) {
    if (equalBytes(data.subarray(0, prefix.length), prefix)) return decodeHdKey(data.subarray(prefix.length), kind)
  }
  return undefined
}

/** The text of an extended key; `secret` needs a key that has its secret. */
export function encodeExtendedKey(key: HdKey, kind: 'public' | 'secret', prefixes: AddressPrefixes): string {
  return encodeBase58Check(concatBytes(kind === 'secret' ? prefixes.xprv : prefixes.xpub, encodeHdKey(key, kind)))
}
