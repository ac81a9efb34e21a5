import { randomBytes } from 'node:crypto'
import type { SwarmTorrent } from './swarm-torrent.ts'
import type { TorrentHost, TorrentSource } from './torrent-host.ts'
import { type WebSeed, WebSeedConnection } from './web-seed-connection.ts'

/** Web seeds of one torrent in use at once. */
const OPEN_MAX = 4

export interface WebSeedTiming {
  /** How long a server may be silent. */
  readonly timeoutMs: number
  /** Waiting time after a first failure; it doubles with each. */
  readonly retryMs: number
}

export const WEB_SEED_TIMING: WebSeedTiming = { timeoutMs: 20_000, retryMs: 10_000 }

const RETRY_MS_MAX = 3_600_000
/** A server that has failed so often in a row is not asked again. */
const FAILURES_MAX = 10

/** Failures that will not go away by waiting. */
const FINAL_CODES = new Set([
  'private-address',
  'url-invalid',
  'too-many-redirects',
  'web-seed-no-ranges',
  'web-seed-other-file',
  'web-seed-encoded',
  'peer-banned',
  'peer-sent-wrong-data',
])

/** How a web seed fares. */
export interface WebSeedStatus extends WebSeed {
  readonly state: 'waiting' | 'open' | 'given-up'
  /** Why it was left last. */
  readonly code: string | undefined
}

interface KnownSeed {
  readonly seed: WebSeed
  /** The owner of this peer has named it, and not the torrent. */
  readonly isOwners: boolean
  connection: WebSeedConnection | undefined
  failures: number
  nextTry: number
  code: string | undefined
}

/** Decides which web seeds of a torrent to ask, and when to try again one that failed. */
export class WebSeeds {
  readonly #torrent: SwarmTorrent
  readonly #host: TorrentHost
  readonly #known: KnownSeed[]

  constructor(
    torrent: SwarmTorrent,
    host: TorrentHost,
    { webSeeds, ownersWebSeeds }: Pick<TorrentSource, 'webSeeds' | 'ownersWebSeeds'>,
  ) {
    this.#torrent = torrent
    this.#host = host
    const isNamed = ({ url }: WebSeed) => ownersWebSeeds.some(owners => owners.url === url)
    const others = webSeeds.filter(seed => !isNamed(seed))
    this.#known = [...ownersWebSeeds, ...others].map((seed, i) => {
      const isOwners = i < ownersWebSeeds.length
      return { seed, isOwners, connection: undefined, failures: 0, nextTry: 0, code: undefined }
    })
  }

  get status(): readonly WebSeedStatus[] {
    return this.#known.map(({ seed, connection, failures, code }) => ({
      ...seed,
      state: connection !== undefined ? 'open' : failures >= FAILURES_MAX ? 'given-up' : 'waiting',
      code,
    }))
  }

  /** Opens those whose time it is, while something is missing. */
  tick(now: number): void {
    if (this.#known.length === 0 || this.#torrent.state !== 'downloading') return
    let open = this.#known.filter(({ connection }) => connection !== undefined).length
    for (const known of this.#known) {
      if (open >= OPEN_MAX) return
      if (known.connection !== undefined || known.failures >= FAILURES_MAX || known.nextTry > now) continue
      if (this.#open(known, now)) open++
    }
  }

  #open(known: KnownSeed, now: number): boolean {
    const { core } = this.#torrent
    const { url } = known.seed
    if (!URL.canParse(url)) {
      this.#failed(known, 'url-invalid', undefined)
      return false
    }
    const peerId = new Uint8Array(randomBytes(20))
    const handshake = { infohash: core.wireInfohash, peerId, extensions: false, fast: true, dht: false, v2: false }
    const origin = { host: url, port: undefined, incoming: false, identity: url }
    const session = core.join(handshake, origin, now)
    if (typeof session === 'string') {
      this.#failed(known, session, undefined)
      return false
    }
    const connection = new WebSeedConnection(
      {
        fetchOptions: known.isOwners ? { ...this.#host.fetchOptions, allowPrivate: true } : this.#host.fetchOptions,
        now: () => this.#host.now(),
        closed: (closing, code, retryAfterMs) => {
          known.connection = undefined
          if (closing.session.blocksReceived > 0) known.failures = 0
          this.#failed(known, code, retryAfterMs)
          this.#torrent.left(closing, code)
        },
      },
      this.#torrent,
      known.seed,
      session,
    )
    known.connection = connection
    this.#torrent.joined(connection, session)
    core.hearing(session, now)
    core.hasPieces(session, 'all')
    core.choke(session, false)
    core.heard(session)
    this.#torrent.settle()
    return true
  }

  #failed(known: KnownSeed, code: string, retryAfterMs: number | undefined): void {
    known.code = code
    if (code === 'both-seeds' || code === 'closing' || code === 'peer-silent') return
    if (FINAL_CODES.has(code)) known.failures = FAILURES_MAX
    else if (retryAfterMs === undefined) known.failures++
    const waitMs = retryAfterMs ?? Math.min(RETRY_MS_MAX, this.#host.webSeedTiming.retryMs * 2 ** (known.failures - 1))
    known.nextTry = this.#host.now() + waitMs
  }
}
