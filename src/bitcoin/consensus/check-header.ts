import { accept, reject, type Verdict } from '../../base/verdict.ts'
import type { NetworkParams } from '../params/network-params.ts'
import type { BlockHeader } from '../primitives/block.ts'
import { type HeaderSource, medianTimePast } from './header-source.ts'
import { MAX_FUTURE_BLOCK_TIME_SECONDS, MAX_TIMEWARP_SECONDS } from './limits.ts'
import { checkProofOfWork, nextWorkRequired } from './proof-of-work.ts'

/** What a header must satisfy by itself. */
export function checkHeader(header: BlockHeader, hash: Uint8Array, params: NetworkParams): Verdict {
  return checkProofOfWork(hash, header.bits, params) ? accept() : reject('high-hash', 'proof of work failed')
}

/**
 * What a header must satisfy on top of its parent.
 *
 * @param previous the parent's number
 * @param nowSeconds our clock: the one rule here that may pass later
 */
export function checkHeaderInContext(
  header: BlockHeader,
  source: HeaderSource,
  previous: number,
  params: NetworkParams,
  nowSeconds: number,
): Verdict {
  const height = source.height(previous) + 1
  if (header.bits !== nextWorkRequired(source, previous, header.time, params)) {
    return reject('bad-diffbits', 'incorrect proof of work')
  }
  if (header.time <= medianTimePast(source, previous)) {
    return reject('time-too-old', "block's timestamp is too early")
  }
  if (
    params.enforceBip94 &&
    height % params.retargetInterval === 0 &&
    header.time < source.time(previous) - MAX_TIMEWARP_SECONDS
  ) {
    return reject('time-timewarp-attack', "block's timestamp is too early on diff adjustment block")
  }
  if (header.time > nowSeconds + MAX_FUTURE_BLOCK_TIME_SECONDS) {
    return reject('time-too-new', 'block timestamp too far in the future')
  }
  const { bip34, bip66, bip65 } = params.buried
  const outdated =
    (header.version < 2 && height >= bip34) ||
    (header.version < 3 && height >= bip66) ||
    (header.version < 4 && height >= bip65)
  if (outdated) {
    const version = `0x${(header.version >>> 0).toString(16).padStart(8, '0')}`
    return reject(`bad-version(${version})`, `rejected nVersion=${version} block`)
  }
  return accept()
}
