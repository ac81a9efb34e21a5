import type { AddressTable } from './address-table.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** An address that nobody has seen for so long is of no use. */
const HORIZON_SECONDS = 30 * DAY
/** An address that is later than now by more has a false clock behind it. */
const FUTURE_SECONDS_MAX = 10 * MINUTE
/** Failures after which an address that never worked is given up. */
const RETRIES_MAX = 3
/** Failures after which one that worked is given up, if it has not for so long. */
const FAILURES_MAX = 10
const FAILING_SECONDS_MIN = 7 * DAY

/** Whether a row is so bad that anything may take its place. */
export function isTerrible(
  { lastTry, time, lastSuccess, attempts }: AddressTable,
  row: number,
  nowSeconds: number,
): boolean {
  // Nothing is removed while it is being tried.
  if (nowSeconds - lastTry[row] <= MINUTE) return false
  if (time[row] > nowSeconds + FUTURE_SECONDS_MAX) return true
  if (nowSeconds - time[row] > HORIZON_SECONDS) return true
  if (lastSuccess[row] === 0 && attempts[row] >= RETRIES_MAX) return true
  return nowSeconds - lastSuccess[row] > FAILING_SECONDS_MIN && attempts[row] >= FAILURES_MAX
}

/** The chance that a row is taken once it has been drawn: small just after an attempt, less with each failure. */
export function selectionChance({ lastTry, attempts }: AddressTable, row: number, nowSeconds: number): number {
  const recent = nowSeconds - lastTry[row] < 10 * MINUTE ? 0.01 : 1
  return recent * 0.66 ** Math.min(attempts[row], 8)
}
