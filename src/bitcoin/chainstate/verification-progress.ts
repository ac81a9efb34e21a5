import type { NetworkParams } from '../params/network-params.ts'

/** A tip this close to the present counts by height rather than by its miner's clock. */
const RECENT_SECONDS = 7200

/** What a guess at the progress needs to know of a chain. */
export interface ChainProgress {
  readonly height: number
  readonly timeSeconds: number
  /** Transactions up to the tip; 0 where they are not known. */
  readonly chainTxCount: number
  /** Height of the header with the most work. */
  readonly bestHeaderHeight: number
}

/** The share of the chain's transactions that are checked, from 0 to 1, guessed from when and how often they have come so far. */
export function verificationProgress(tip: ChainProgress, params: NetworkParams, nowSeconds: number): number {
  if (tip.chainTxCount === 0) return 0
  const isRecent = Math.abs(nowSeconds - tip.timeSeconds) <= RECENT_SECONDS && tip.bestHeaderHeight >= tip.height
  const missingBlocks = tip.bestHeaderHeight - tip.height
  const tipTime = isRecent ? nowSeconds - missingBlocks * params.targetSpacingSeconds : tip.timeSeconds
  const { count, time, perSecond } = params.chainTx
  const total =
    tip.chainTxCount <= count
      ? count + (nowSeconds - time) * perSecond
      : tip.chainTxCount + (nowSeconds - tipTime) * perSecond
  return Math.min(tip.chainTxCount / total, 1)
}
