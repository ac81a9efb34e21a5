import { heightOfCode } from '../primitives/coin.ts'
import { SEQUENCE_FINAL } from '../primitives/transaction.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import {
  LOCKTIME_THRESHOLD,
  SEQUENCE_LOCKTIME_DISABLE_FLAG,
  SEQUENCE_LOCKTIME_MASK,
  SEQUENCE_LOCKTIME_TYPE_FLAG,
} from '../script/limits.ts'
import { type HeaderSource, medianTimePast } from './header-source.ts'

/** BIP68: seconds in a unit of time-based relative lock. */
const SEQUENCE_LOCKTIME_GRANULARITY_SECONDS = 512

/**
 * Whether a transaction's lock time has passed in a block of this height.
 *
 * @param cutoffSeconds the block's time, or from BIP113 on the median time before it
 */
export function isFinalTransaction(txs: TxTable, tx: number, height: number, cutoffSeconds: number): boolean {
  const lockTime = txs.lockTime(tx)
  if (lockTime === 0) return true
  if (lockTime < (lockTime < LOCKTIME_THRESHOLD ? height : cutoffSeconds)) return true
  for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) {
    if (txs.sequence(input) !== SEQUENCE_FINAL) return false
  }
  return true
}

/** BIP68: the last block height and median time at which a transaction is still locked; -1 where nothing locks it. */
export interface SequenceLocks {
  readonly height: number
  readonly timeSeconds: number
}

/**
 * BIP68: what the relative lock times of a transaction come to.
 *
 * @param codes coin codes (height and coinbase) of the table's inputs
 * @param id any header of the chain at or above all of the coins
 */
export function sequenceLocks(
  txs: TxTable,
  tx: number,
  codes: Uint32Array,
  source: HeaderSource,
  id: number,
): SequenceLocks {
  let height = -1
  let timeSeconds = -1
  if (txs.version(tx) < 2) return { height, timeSeconds }
  for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) {
    const sequence = txs.sequence(input)
    if (sequence & SEQUENCE_LOCKTIME_DISABLE_FLAG) continue
    const coinHeight = heightOfCode(codes[input])
    const units = sequence & SEQUENCE_LOCKTIME_MASK
    if (sequence & SEQUENCE_LOCKTIME_TYPE_FLAG) {
      const coinTime = medianTimePast(source, source.ancestor(id, Math.max(coinHeight - 1, 0)))
      timeSeconds = Math.max(timeSeconds, coinTime + units * SEQUENCE_LOCKTIME_GRANULARITY_SECONDS - 1)
    } else {
      height = Math.max(height, coinHeight + units - 1)
    }
  }
  return { height, timeSeconds }
}

/** BIP68: whether the locks are past in a block of `height` on top of a median time. */
export function sequenceLocksPassed(locks: SequenceLocks, height: number, medianTimeBefore: number): boolean {
  return locks.height < height && locks.timeSeconds < medianTimeBefore
}
