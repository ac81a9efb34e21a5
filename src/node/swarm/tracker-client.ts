import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { OperationError } from '../../base/errors.ts'
import {
  type AnnounceRequest,
  type AnnounceResponse,
  type ScrapeEntry,
  TRACKER_LIMITS,
} from '../../bittorrent/tracker/announce.ts'
import {
  announceUrl,
  decodeAnnounceResponse,
  decodeScrapeResponse,
  scrapeUrl,
} from '../../bittorrent/tracker/http-tracker.ts'
import {
  CONNECTION_ID_MS,
  decodeUdpAnswer,
  encodeConnectRequest,
  encodeUdpAnnounce,
  encodeUdpScrape,
  type UdpAnswer,
  udpTransaction,
} from '../../bittorrent/tracker/udp-tracker.ts'
import { addressScope } from '../../bittorrent/wire/address-scope.ts'
import { isPublicAddress } from './address-guard.ts'
import { fetchUrl } from './fetch-url.ts'
import { isUdpUrl, parseUdpUrl } from './source-urls.ts'

export interface TrackerClientOptions {
  /** Whether trackers may be on private networks. */
  readonly allowPrivate: boolean
  readonly timeoutMs: number
  /** Waiting time before a UDP packet is sent again; it doubles each time. */
  readonly udpRetryMs: number
}

export const TRACKER_CLIENT_OPTIONS: TrackerClientOptions = { allowPrivate: false, timeoutMs: 30_000, udpRetryMs: 5000 }

interface UdpTarget {
  readonly address: string
  readonly family: 4 | 6
  readonly port: number
}

interface Waiting {
  readonly target: UdpTarget
  resolve(packet: Uint8Array): void
}

/** Connections remembered at once. */
const CONNECTION_IDS_MAX = 1000

/** Asks trackers, over HTTP and UDP. */
export class TrackerClient {
  readonly #options: TrackerClientOptions
  readonly #sockets = new Map<4 | 6, Socket>()
  readonly #waiting = new Map<number, Waiting>()
  /** BEP 15: connection ids by tracker. */
  readonly #connectionIds = new Map<string, { id: bigint; until: number }>()
  readonly #abort = new AbortController()

  constructor(options: Partial<TrackerClientOptions> = {}) {
    this.#options = { ...TRACKER_CLIENT_OPTIONS, ...options }
  }

  /**
   * Announces, and returns what the tracker says.
   *
   * @param isOwners whether the owner of this peer has named the tracker, and not a torrent: it may be on a private network then
   * @throws OperationError `tracker-refused` with the tracker's reason; `tracker-answer-invalid`, `timeout`, `unreachable`, …
   */
  async announce(
    url: string,
    request: AnnounceRequest,
    trackerId?: Uint8Array,
    isOwners = false,
  ): Promise<AnnounceResponse> {
    const response = await this.#announce(url, request, trackerId, isOwners)
    const peers = response.peers.filter(({ host }) => this.#mayCall(host))
    return { ...response, peers }
  }

  async #announce(
    url: string,
    request: AnnounceRequest,
    trackerId: Uint8Array | undefined,
    isOwners: boolean,
  ): Promise<AnnounceResponse> {
    if (isUdpUrl(url)) {
      const { pathname, search } = parseUdpUrl(url)
      const urlData = new TextEncoder().encode(`${pathname}${search}`)
      const encode = (id: bigint, transaction: number) =>
        encodeUdpAnnounce(id, transaction, request, urlData.length > 1 ? urlData : undefined)
      const answer = await this.#askUdp(url, encode, isOwners)
      if (answer.action === 'announce') return answer.response
      throw new OperationError('tracker-answer-invalid', 'the tracker answers something else')
    }
    const { body } = await this.#fetch(announceUrl(url, request, trackerId), isOwners)
    const response = decodeAnnounceResponse(body)
    if (!response.ok) throw new OperationError(response.code, response.detail ?? 'the tracker makes no sense')
    return response.value
  }

  /** Whether a tracker may send us to a peer: never to this machine, nor to a name, which can be that of any, unless allowed. */
  #mayCall(host: string): boolean {
    const scope = addressScope(host)
    return this.#options.allowPrivate || (scope !== undefined && scope !== 'loopback')
  }

  /** Asks how many are in each swarm. */
  async scrape(url: string, infohashes: readonly Uint8Array[]): Promise<(ScrapeEntry | undefined)[]> {
    if (isUdpUrl(url)) {
      const answer = await this.#askUdp(url, (id, transaction) => encodeUdpScrape(id, transaction, infohashes))
      if (answer.action === 'scrape') return infohashes.map((_, i) => answer.entries[i])
      throw new OperationError('tracker-answer-invalid', 'the tracker answers something else')
    }
    const where = scrapeUrl(url, infohashes)
    if (where === undefined) throw new OperationError('tracker-no-scrape', 'this tracker cannot be scraped')
    const response = decodeScrapeResponse((await this.#fetch(where)).body, infohashes)
    if (!response.ok) throw new OperationError(response.code, response.detail ?? 'the tracker makes no sense')
    return response.value
  }

  /** While a name is looked up, the client may be closed; what is opened afterwards, nobody closes. */
  #assertOpen(): void {
    if (this.#abort.signal.aborted) throw closing()
  }

  async #fetch(url: string, isOwners = false): ReturnType<typeof fetchUrl> {
    this.#assertOpen()
    const { allowPrivate, timeoutMs } = this.#options
    return fetchUrl(url, {
      allowPrivate,
      isOwners,
      timeoutMs,
      bytesMax: TRACKER_LIMITS.responseBytesMax,
      signal: this.#abort.signal,
    }).catch(error => {
      throw this.#abort.signal.aborted ? closing() : error
    })
  }

  async #askUdp(
    url: string,
    encode: (connectionId: bigint, transaction: number) => Uint8Array,
    isOwners = false,
  ): Promise<UdpAnswer> {
    const target = await this.#resolve(url, this.#options.allowPrivate || isOwners)
    const key = `${target.address}/${target.port}`
    let known = this.#connectionIds.get(key)
    if (known === undefined || known.until < Date.now()) {
      const answer = await this.#exchange(target, encodeConnectRequest)
      if (answer.action !== 'connect')
        throw new OperationError('tracker-answer-invalid', 'the tracker does not connect')
      known = { id: answer.connectionId, until: Date.now() + CONNECTION_ID_MS }
      if (this.#connectionIds.size >= CONNECTION_IDS_MAX) this.#connectionIds.clear()
      this.#connectionIds.set(key, known)
    }
    const { id } = known
    try {
      return await this.#exchange(target, transaction => encode(id, transaction))
    } catch (error) {
      // It may be the id that the tracker does not like (any more).
      this.#connectionIds.delete(key)
      throw error
    }
  }

  async #resolve(url: string, allowPrivate: boolean): Promise<UdpTarget> {
    const { hostname, port } = parseUdpUrl(url)
    const host = hostname.replace(/^\[|\]$/g, '')
    const addresses = await lookup(host, { all: true }).catch(cause => {
      throw new OperationError('unreachable', `${host} is not known`, { cause })
    })
    const found = addresses.find(({ address }) => allowPrivate || isPublicAddress(address))
    if (found === undefined) {
      throw new OperationError('private-address', `${host} is an address of a private network`, {
        next: 'if you trust this torrent, allow private addresses for it',
      })
    }
    return { address: found.address, family: found.family === 6 ? 6 : 4, port: Number(port) }
  }

  #socket(family: 4 | 6): Socket {
    let socket = this.#sockets.get(family)
    if (socket === undefined) {
      socket = createSocket(family === 4 ? 'udp4' : 'udp6')
      socket.unref()
      socket.on('message', (packet, from) => {
        const transaction = udpTransaction(packet)
        const waiting = transaction === undefined ? undefined : this.#waiting.get(transaction)
        // Only whoever was asked may answer.
        if (waiting?.target.address === from.address && waiting.target.port === from.port) waiting.resolve(packet)
      })
      socket.on('error', () => {})
      this.#sockets.set(family, socket)
    }
    return socket
  }

  async #exchange(target: UdpTarget, encode: (transaction: number) => Uint8Array): Promise<UdpAnswer> {
    this.#assertOpen()
    const transaction = randomBytes(4).readUInt32BE()
    const packet = encode(transaction)
    const socket = this.#socket(target.family)
    const answer = await new Promise<Uint8Array>((resolve, reject) => {
      let retryMs = this.#options.udpRetryMs
      let timer: NodeJS.Timeout
      const finish = () => {
        clearTimeout(timer)
        clearTimeout(deadline)
        this.#waiting.delete(transaction)
        this.#abort.signal.removeEventListener('abort', onClosing)
      }
      const fail = (error: OperationError) => {
        finish()
        reject(error)
      }
      const onClosing = () => fail(closing())
      const send = () => {
        socket.send(packet, target.port, target.address)
        timer = setTimeout(send, retryMs)
        retryMs *= 2
      }
      const onSilence = () => fail(new OperationError('timeout', `${target.address} does not answer`))
      const deadline = setTimeout(onSilence, this.#options.timeoutMs)
      this.#abort.signal.addEventListener('abort', onClosing)
      this.#waiting.set(transaction, {
        target,
        resolve: received => {
          finish()
          resolve(received)
        },
      })
      send()
    })
    const decoded = decodeUdpAnswer(answer, target.family === 4 ? 4 : 16)
    if (!decoded.ok) throw new OperationError(decoded.code, decoded.detail ?? 'the tracker makes no sense')
    return decoded.value
  }

  close(): void {
    this.#abort.abort()
    for (const socket of this.#sockets.values()) socket.close()
    this.#sockets.clear()
  }
}

function closing(): OperationError {
  return new OperationError('closing', 'the client is closed')
}
