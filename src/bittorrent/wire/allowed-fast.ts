import { concatBytes } from '../../base/bytes/bytes.ts'
import { sha1 } from '../../base/crypto/hash.ts'
import { parseIpv4 } from './compact-peers.ts'

/** BEP 6: pieces that a newcomer may fetch while it is choked. */
export const ALLOWED_FAST_COUNT = 10

/**
 * BEP 6's set: both sides can work it out from the newcomer's IPv4 address (its last byte aside) and the infohash, so that
 * nobody gets more pieces by connecting again. Empty for IPv6, for which the BEP defines none.
 */
export function allowedFastSet(
  host: string,
  infohash: Uint8Array,
  pieceCount: number,
  count = ALLOWED_FAST_COUNT,
): number[] {
  const address = parseIpv4(host)
  if (address === undefined) return []
  address[3] = 0
  const allowed = new Set<number>()
  let hash = concatBytes(address, infohash)
  while (allowed.size < Math.min(count, pieceCount)) {
    hash = sha1(hash)
    for (let i = 0; i < 20 && allowed.size < Math.min(count, pieceCount); i += 4) {
      const number = ((hash[i] << 24) | (hash[i + 1] << 16) | (hash[i + 2] << 8) | hash[i + 3]) >>> 0
      allowed.add(number % pieceCount)
    }
  }
  return [...allowed]
}
