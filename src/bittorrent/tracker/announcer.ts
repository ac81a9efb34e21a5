import type { OperationError } from '../../base/errors.ts'
import type { Random } from '../../base/ports/random.ts'
import type { AnnounceEvent, AnnounceResponse } from './announce.ts'

/** A tracker that should be asked now. */
export interface DueAnnounce {
  readonly url: string
  readonly event: AnnounceEvent | undefined
  readonly trackerId: Uint8Array | undefined
}

const RETRY_MIN_MS = 15_000
const RETRY_MAX_MS = 1_800_000

interface TrackerState {
  readonly url: string
  trackerId: Uint8Array | undefined
  failures: number
  /** Not to be asked before. */
  notBefore: number
  /** Whether it has been told that we are here. */
  started: boolean
  lastFailure: TrackerFailure | undefined
  response: AnnounceResponse | undefined
}

/** Why a tracker could not be asked, and what to do about it. */
export type TrackerFailure = Pick<OperationError, 'code' | 'message' | 'next'>

/** What a person may see of a tracker. */
export interface TrackerStatus {
  readonly url: string
  readonly seeders: number | undefined
  readonly leechers: number | undefined
  /** What went wrong last; undefined where it works, and while it has not been asked. */
  readonly error: string | undefined
  readonly code: string | undefined
  readonly next: string | undefined
}

/** How trackers fare that know a torrent by two infohashes: most peers are in both swarms; a tracker that takes one of them works. */
export function mergeStatus(swarms: readonly (readonly TrackerStatus[])[]): TrackerStatus[] {
  const merged = new Map<string, TrackerStatus>()
  for (const status of swarms.flat()) {
    const known = merged.get(status.url)
    merged.set(status.url, known === undefined ? status : mergeTwo(known, status))
  }
  return [...merged.values()]
}

function mergeTwo(a: TrackerStatus, b: TrackerStatus): TrackerStatus {
  const most = (x: number | undefined, y: number | undefined) =>
    x === undefined || y === undefined ? (x ?? y) : Math.max(x, y)
  const works = ({ error, seeders }: TrackerStatus) => error === undefined && seeders !== undefined
  const told = [a, b].find(works) ?? [a, b].find(status => status.error !== undefined) ?? a
  const { error, code, next } = told
  return { url: a.url, seeders: most(a.seeders, b.seeders), leechers: most(a.leechers, b.leechers), error, code, next }
}

/**
 * BEP 12: the trackers of one swarm. Of each tier one is asked at a time, the first that answers moves to its front; all
 * tiers are asked, so that a tracker that lives never hides behind one that is dead. (BEP 27: those of a private torrent come one
 * after the other; a tier is asked only while all before it fail.)
 */
export class Announcer {
  readonly #tiers: TrackerState[][]
  /** What each tracker that is being asked was told. */
  readonly #asking = new Map<string, DueAnnounce>()
  #completed = false
  #completedTold = new Set<string>()

  constructor(tiers: readonly (readonly string[])[], random: Random) {
    this.#tiers = tiers.map(tier => shuffled(tier, random).map(makeTracker))
  }

  get status(): TrackerStatus[] {
    return this.#tiers.flat().map(tracker => ({
      url: tracker.url,
      seeders: tracker.response?.seeders,
      leechers: tracker.response?.leechers,
      error: tracker.lastFailure?.message,
      code: tracker.lastFailure?.code,
      next: tracker.lastFailure?.next,
    }))
  }

  /** All pieces are there: each tracker is told once. */
  completed(): void {
    this.#completed = true
  }

  /** More peers are wanted: trackers may be asked as soon as they allow it. */
  hurry(now: number): void {
    for (const tracker of this.#tiers.flat()) {
      if (tracker.failures > 0 || tracker.response === undefined) continue
      const { minIntervalMs, intervalMs } = tracker.response
      const waited = tracker.notBefore - intervalMs
      tracker.notBefore = Math.max(now, waited + (minIntervalMs ?? intervalMs))
    }
  }

  /**
   * The trackers to be asked now; each must be answered by `succeeded` or `failed`.
   *
   * @param isPrivate whether the torrent is (BEP 27)
   */
  due(now: number, isPrivate = false): DueAnnounce[] {
    const due: DueAnnounce[] = []
    for (const tier of this.#tiersToAsk(isPrivate)) {
      if (tier.some(({ url }) => this.#asking.has(url))) continue
      const tracker = tier.find(({ failures }) => failures === 0) ?? soonest(tier)
      if (tracker === undefined) continue
      const tellsCompleted = this.#completed && tracker.started && !this.#completedTold.has(tracker.url)
      if (tracker.notBefore > now && !(tellsCompleted && tracker.failures === 0)) continue
      const event = !tracker.started ? 'started' : tellsCompleted ? 'completed' : undefined
      due.push(this.#ask(tracker, event))
    }
    return due
  }

  #tiersToAsk(isPrivate: boolean): readonly TrackerState[][] {
    const working = isPrivate ? this.#tiers.findIndex(tier => tier.some(({ failures }) => failures === 0)) : -1
    return working < 0 ? this.#tiers : this.#tiers.slice(0, working + 1)
  }

  #ask({ url, trackerId }: TrackerState, event: AnnounceEvent | undefined): DueAnnounce {
    const due = { url, event, trackerId }
    this.#asking.set(url, due)
    return due
  }

  /** Whether an answer tells how a tracker fares: not where it was told since, or in this very call, that we go. */
  #counts(due: DueAnnounce): boolean {
    if (this.#asking.get(due.url) !== due) return false
    this.#asking.delete(due.url)
    return due.event !== 'stopped'
  }

  succeeded(due: DueAnnounce, response: AnnounceResponse, now: number): void {
    if (!this.#counts(due)) return
    const { url, event } = due
    for (const tier of this.#tiers) {
      const index = tier.findIndex(tracker => tracker.url === url)
      if (index < 0) continue
      const [tracker] = tier.splice(index, 1)
      tier.unshift(tracker)
      tracker.failures = 0
      tracker.started = true
      tracker.lastFailure = undefined
      tracker.response = response
      tracker.trackerId = response.trackerId ?? tracker.trackerId
      tracker.notBefore = now + response.intervalMs
    }
    // Who was complete from the start never "completed" (BEP 3).
    if (event === 'completed' || (event === 'started' && this.#completed)) this.#completedTold.add(url)
  }

  failed(due: DueAnnounce, failure: TrackerFailure, now: number): void {
    if (!this.#counts(due)) return
    for (const tracker of this.#tiers.flat()) {
      if (tracker.url !== due.url) continue
      tracker.failures++
      tracker.lastFailure = failure
      tracker.notBefore = now + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(20, tracker.failures - 1))
    }
  }

  /**
   * Those that should be told that we go; each must be answered as well. Whoever comes back tells them so at once, but not before: a
   * tracker that hears both in the wrong order would introduce nobody.
   */
  stopping(now: number): DueAnnounce[] {
    const told = this.#tiers.flat().filter(tracker => tracker.started)
    for (const tracker of told) {
      tracker.started = false
      if (tracker.failures === 0) tracker.notBefore = now
    }
    return told.map(tracker => this.#ask(tracker, 'stopped'))
  }
}

function makeTracker(url: string): TrackerState {
  return {
    url,
    trackerId: undefined,
    failures: 0,
    notBefore: 0,
    started: false,
    lastFailure: undefined,
    response: undefined,
  }
}

function soonest(tier: readonly TrackerState[]): TrackerState | undefined {
  return tier.reduce<TrackerState | undefined>(
    (a, b) => (a === undefined || b.notBefore < a.notBefore ? b : a),
    undefined,
  )
}

function shuffled(urls: readonly string[], random: Random): string[] {
  const order = [...urls]
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}
