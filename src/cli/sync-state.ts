/** What a running peer says of its chain. */
export interface ChainFigures {
  readonly connections: number
  /** Core's initial block download. */
  readonly initialDownload: boolean
  readonly blocks: number
  readonly headers: number
  /** Work of the blocks, and of the best headers. */
  readonly blocksWork: bigint
  readonly headersWork: bigint
  /** Time of the best header, in seconds since 1970. */
  readonly headersTimeSeconds: number
  /** How far a chain is followed whose work is still to be shown; -1 for none. */
  readonly presyncHeight: number
  /** The share of the chain's transactions that are checked, as far as it can be guessed. */
  readonly verificationProgress: number
}

/** What of a network counts for an estimate. */
export interface ChainPace {
  readonly genesisTimeSeconds: number
  readonly targetSpacingSeconds: number
}

/** What a peer is at; `alone` where nobody is there who could say whether it is up to date. */
export type SyncStage = 'alone' | 'presync' | 'headers' | 'blocks' | 'synced'

/** How far a peer is; shares are between 0 and 1, and 1 only where nothing is left to do. */
export interface SyncState {
  readonly stage: SyncStage
  readonly presyncShare: number | undefined
  readonly headersShare: number
  readonly blocksShare: number
}

const WORK_SCALE = 1_000_000
/** What is not done is never shown as done. */
const SHARE_MAX = 0.9999

function ratio(part: bigint, whole: bigint): number {
  return Number((part * BigInt(WORK_SCALE)) / whole) / WORK_SCALE
}

/** Headers that are to be expected, since blocks have not stopped being found. */
function shareOfHeaders(figures: ChainFigures, pace: ChainPace, nowSeconds: number): number {
  if (!figures.initialDownload) return 1
  const missing = Math.trunc((nowSeconds - figures.headersTimeSeconds) / pace.targetSpacingSeconds)
  if (missing <= 0) return 1
  return Math.min(figures.headers / (figures.headers + missing), SHARE_MAX)
}

/** How far a peer is. */
export function syncState(figures: ChainFigures, pace: ChainPace, nowSeconds: number): SyncState {
  const { connections, initialDownload, blocksWork, headersWork, headers, presyncHeight } = figures
  const headersShare = shareOfHeaders(figures, pace, nowSeconds)
  const isWhole = blocksWork >= headersWork && headersShare === 1
  const ofKnown = headersWork === 0n ? 0 : ratio(blocksWork, headersWork)
  const blocksShare = isWhole ? 1 : Math.min(ofKnown * headersShare, SHARE_MAX)
  const isPresyncing = initialDownload && presyncHeight > headers
  const expected = (nowSeconds - pace.genesisTimeSeconds) / pace.targetSpacingSeconds
  const presyncShare = isPresyncing ? Math.min(presyncHeight / Math.max(expected, 1), SHARE_MAX) : undefined
  const stage: SyncStage =
    connections === 0
      ? 'alone'
      : isPresyncing
        ? 'presync'
        : headersShare < 1
          ? 'headers'
          : blocksShare < 1
            ? 'blocks'
            : initialDownload
              ? 'headers'
              : 'synced'
  return { stage, presyncShare, headersShare, blocksShare }
}

/** The share whose growth tells when the present stage ends: of blocks that of their transactions, for these take the time. */
export function movingShare({ stage, presyncShare, headersShare }: SyncState, figures: ChainFigures): number {
  if (stage === 'presync') return presyncShare!
  return stage === 'headers' ? headersShare : Math.min(figures.verificationProgress, 1)
}

/** Estimates of time left are made of the last minute. */
const WINDOW_MS = 60_000

/** How fast a stage goes, by what was seen of it in the last minute. */
export class SyncRate {
  #stage: SyncStage | undefined
  #samples: { readonly atMs: number; readonly share: number }[] = []

  /** @param nowMs by a clock that only ever grows */
  add(stage: SyncStage, share: number, nowMs: number): void {
    if (stage !== this.#stage) this.#samples = []
    this.#stage = stage
    this.#samples.push({ atMs: nowMs, share })
    while (this.#samples[0].atMs < nowMs - WINDOW_MS) this.#samples.shift()
  }

  /** Seconds until the stage is done at that rate; undefined where nothing has moved, or nothing is left. */
  get secondsLeft(): number | undefined {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || this.#stage === 'synced' || this.#stage === 'alone')
      return undefined
    const gained = last.share - first.share
    if (gained <= 0 || last.share >= 1) return undefined
    return ((1 - last.share) * (last.atMs - first.atMs)) / gained / 1000
  }
}
