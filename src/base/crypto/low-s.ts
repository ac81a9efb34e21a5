import { compareBytes, hex } from '../bytes/bytes.ts'

const ORDER = hex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')
const HALF_ORDER = hex('7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0')

/**
 * Whether the S of an ECDSA signature is at most half the group order (BIP62 rule 5, BIP146).
 *
 * @param signature 64 bytes, r then s, as parseLaxDer gives them; r or s beyond the order counts as zero, hence as low, for
 *   such a signature can never verify
 */
export function isLowS(signature: Uint8Array): boolean {
  const r = signature.subarray(0, 32)
  const s = signature.subarray(32, 64)
  return compareBytes(s, HALF_ORDER) <= 0 || compareBytes(s, ORDER) >= 0 || compareBytes(r, ORDER) >= 0
}
