import { createHmac, randomBytes, randomInt } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
import {
  encodeAnnounceResponse,
  encodeScrapeResponse,
  encodeTrackerFailure,
  parseAnnounceQuery,
  parseScrapeQuery,
} from '../../bittorrent/tracker/http-tracker.ts'
import { PeerRegistry, type RegistryOptions } from '../../bittorrent/tracker/peer-registry.ts'
import {
  decodeUdpRequest,
  encodeConnectAnswer,
  encodeUdpAnnounceAnswer,
  encodeUdpError,
  encodeUdpScrapeAnswer,
} from '../../bittorrent/tracker/udp-tracker.ts'
import { addressOfHost, assertPort, listenError } from './listening.ts'

export interface TrackerServerOptions {
  readonly host?: string
  /** 0 for any free one. HTTP and UDP share the number. */
  readonly port: number
  readonly registry?: Partial<RegistryOptions>
}

const EXPIRE_MS = 60_000
const HEADERS_MS = 10_000
const CONNECTIONS_MAX = 1000
/** BEP 15: a connection id is good for two minutes: for the minute it was given in, and the next. */
const EPOCH_MS = 60_000

/** Where one socket serves both families, an IPv4 address comes within an IPv6 one: whoever has it knows nothing of that. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:/, '')
}

/**
 * A small tracker: HTTP (`/announce`, `/scrape`) and UDP on one port, for anybody's torrents.
 *
 * @example
 * const tracker = await TrackerServer.open({ port: 0, host: '127.0.0.1' })
 * const url = `http://127.0.0.1:${tracker.port}/announce`
 * const client = await SwarmClient.open({ stateFolder: './state', port: 0, allowPrivate: true })
 * await client.seed('./album', { version: 'v1', trackers: [[url]] })
 * await client.close()
 * await tracker.close()
 */
export class TrackerServer {
  readonly registry: PeerRegistry
  readonly #http: Server
  readonly #udp: Socket
  readonly #secret = randomBytes(32)
  readonly #expiry: NodeJS.Timeout
  #announces = 0

  private constructor(options: TrackerServerOptions, family: number) {
    const random = {
      bytes: (length: number) => new Uint8Array(randomBytes(length)),
      below: (bound: number) => randomInt(bound),
      u64: () => randomBytes(8).readBigUInt64LE(),
    }
    this.registry = new PeerRegistry(random, options.registry)
    this.#http = createServer({ headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS }, (request, response) =>
      this.#onHttp(request, response),
    )
    this.#http.maxConnections = CONNECTIONS_MAX
    this.#udp = createSocket(family === 6 ? 'udp6' : 'udp4')
    this.#udp.on('message', (packet, from) => this.#onUdp(packet, from))
    // One connection or packet that fails is no reason to end.
    for (const socket of [this.#http, this.#udp]) socket.on('error', () => {})
    this.#expiry = setInterval(() => this.registry.expire(Date.now()), EXPIRE_MS)
    this.#expiry.unref()
  }

  /**
   * Starts a tracker; it listens once this resolves.
   *
   * @throws OperationError `port-in-use`, `port-invalid`, `port-not-allowed`, `address-not-ours`, `host-unknown`, `cannot-listen`
   */
  static async open(options: TrackerServerOptions): Promise<TrackerServer> {
    const { host = '0.0.0.0', port } = options
    assertPort(port)
    // Of a name that has several addresses, both protocols are to take the same.
    const { address, family } = await addressOfHost(host, port)
    const server = new TrackerServer(options, family)
    try {
      await once(server.#http.listen(port, address), 'listening')
      await once(server.#udp.bind(server.port, address), 'listening')
      return server
    } catch (cause) {
      const taken = server.port || port
      await server.close()
      throw listenError(cause, host, taken)
    }
  }

  get port(): number {
    const address = this.#http.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Announces answered so far. */
  get announces(): number {
    return this.#announces
  }

  #onHttp(request: IncomingMessage, response: ServerResponse): void {
    const [path, query = ''] = (request.url ?? '').split('?', 2)
    const host = plainAddress(request.socket.remoteAddress ?? '')
    let body: Uint8Array
    if (path === '/announce') {
      const announce = parseAnnounceQuery(query)
      if (announce.ok) {
        this.#announces++
        body = encodeAnnounceResponse(this.registry.announce(announce.value, host, Date.now()), announce.value.compact)
      } else body = encodeTrackerFailure(announce.detail ?? announce.code)
    } else if (path === '/scrape') {
      body = encodeScrapeResponse(parseScrapeQuery(query).map(hash => [hash, this.registry.scrape(hash)] as const))
    } else {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length }).end(body)
  }

  /** An id that only whoever receives packets at this address can know, so that nobody can announce in another's name. */
  #connectionId(from: RemoteInfo, epoch: number): bigint {
    return createHmac('sha256', this.#secret).update(`${from.address} ${epoch}`).digest().readBigUInt64BE()
  }

  #onUdp(packet: Uint8Array, from: RemoteInfo): void {
    // Nobody can be answered there; only forged packets say so.
    if (from.port === 0) return
    const request = decodeUdpRequest(packet)
    if (request === undefined) return
    const host = plainAddress(from.address)
    const epoch = Math.floor(Date.now() / EPOCH_MS)
    const answer = (bytes: Uint8Array) => this.#udp.send(bytes, from.port, from.address)
    if (request.action === 'connect') {
      answer(encodeConnectAnswer(request.transaction, this.#connectionId(from, epoch)))
      return
    }
    const known = [epoch, epoch - 1].some(e => request.connectionId === this.#connectionId(from, e))
    if (!known) {
      answer(encodeUdpError(request.transaction, new TextEncoder().encode('connection id has expired')))
    } else if (request.action === 'scrape') {
      answer(
        encodeUdpScrapeAnswer(
          request.transaction,
          request.infohashes.map(hash => this.registry.scrape(hash)),
        ),
      )
    } else {
      this.#announces++
      const found = this.registry.announce(request.request, host, Date.now())
      answer(encodeUdpAnnounceAnswer(request.transaction, found, isIPv6(host) ? 16 : 4))
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#expiry)
    this.#udp.close()
    this.#http.closeAllConnections()
    await new Promise(resolve => this.#http.close(resolve))
  }
}
