import type { Deployments } from '../consensus/deployments.ts'
import { type HeaderSource, medianTimePast } from '../consensus/header-source.ts'
import { MAX_TIMEWARP_SECONDS } from '../consensus/limits.ts'
import { nextWorkRequired } from '../consensus/proof-of-work.ts'
import { blockSubsidySats } from '../consensus/subsidy.ts'
import type { NetworkParams } from '../params/network-params.ts'

/** What a block on top of another must and may say in its header and coinbase. */
export interface BlockTemplate {
  readonly previous: Uint8Array
  readonly height: number
  readonly version: number
  readonly bits: number
  /** The earliest time that it may have. */
  readonly minTime: number
  /** The time that it should have now. */
  readonly time: number
  readonly subsidySats: number
  /** BIP141: whether it may have witnesses. */
  readonly segwit: boolean
}

/** The template of a block on top of `previous` (a header's number). */
export function blockTemplate(
  source: HeaderSource & { hash(id: number): Uint8Array },
  previous: number,
  params: NetworkParams,
  deployments: Deployments,
  nowSeconds: number,
): BlockTemplate {
  const height = source.height(previous) + 1
  let minTime = medianTimePast(source, previous) + 1
  // BIP94: kept on every network, so that a miner is on the safe side wherever the rule comes to hold.
  if (height % params.retargetInterval === 0) minTime = Math.max(minTime, source.time(previous) - MAX_TIMEWARP_SECONDS)
  const time = Math.max(minTime, nowSeconds)
  return {
    previous: source.hash(previous).slice(),
    height,
    version: deployments.blockVersion(previous),
    bits: nextWorkRequired(source, previous, time, params),
    minTime,
    time,
    subsidySats: blockSubsidySats(height, params),
    segwit: height >= params.buried.segwit,
  }
}
