import type { UploadBudget } from '../../bitcoin/p2p/connection-io.ts'

/** The target holds for a day. */
export const UPLOAD_TIMEFRAME_SECONDS = 24 * 60 * 60
/** What is kept for one new block in each ten minutes that are left of the day. */
const BLOCK_BYTES_MAX = 4_000_000
const BLOCK_SPACING_SECONDS = 600

/** -maxuploadtarget as getnettotals shows it. */
export interface UploadTargetFigures extends UploadBudget {
  readonly timeframeSeconds: number
  /** Bytes a day; 0 for no limit. */
  readonly targetBytes: number
  readonly bytesLeftInCycle: number
  readonly secondsLeftInCycle: number
}

/** Counts what is sent within a day against a target. Times are in seconds since 1970. */
export class UploadTarget {
  readonly targetBytes: number
  #cycleStartSeconds = 0
  #sentBytes = 0

  /** @param targetBytes bytes a day; 0 for no limit */
  constructor(targetBytes: number) {
    this.targetBytes = targetBytes
  }

  record(bytes: number, nowSeconds: number): void {
    if (this.#cycleStartSeconds + UPLOAD_TIMEFRAME_SECONDS < nowSeconds) {
      this.#cycleStartSeconds = nowSeconds
      this.#sentBytes = 0
    }
    this.#sentBytes += bytes
  }

  figures(nowSeconds: number): UploadTargetFigures {
    const { targetBytes } = this
    const timeframeSeconds = UPLOAD_TIMEFRAME_SECONDS
    if (targetBytes === 0) {
      const none = { reached: false, reachedForHistory: false, bytesLeftInCycle: 0, secondsLeftInCycle: 0 }
      return { timeframeSeconds, targetBytes, ...none }
    }
    const end = this.#cycleStartSeconds + timeframeSeconds
    const secondsLeftInCycle = this.#cycleStartSeconds === 0 ? timeframeSeconds : Math.max(0, end - nowSeconds)
    const kept = Math.floor(secondsLeftInCycle / BLOCK_SPACING_SECONDS) * BLOCK_BYTES_MAX
    return {
      timeframeSeconds,
      targetBytes,
      reached: this.#sentBytes >= targetBytes,
      reachedForHistory: kept >= targetBytes || this.#sentBytes >= targetBytes - kept,
      bytesLeftInCycle: Math.max(0, targetBytes - this.#sentBytes),
      secondsLeftInCycle,
    }
  }
}
