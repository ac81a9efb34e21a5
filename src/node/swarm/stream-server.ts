import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { assertPort, listenError } from './listening.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

/** Players of other machines are not served: the file may be nobody else's business. */
const HOST = '127.0.0.1'

/** Types that players want to know; everything else is bytes. */
const TYPES: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  webm: 'video/webm',
  mkv: 'video/x-matroska',
  avi: 'video/x-msvideo',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  ogg: 'audio/ogg',
  opus: 'audio/ogg',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pdf: 'application/pdf',
  txt: 'text/plain; charset=utf-8',
}

/** RFC 9110's byte ranges, one at a time: start and end (not included), `undefined` for none, `invalid` for nonsense. */
export function parseRange(
  header: string | undefined,
  size: number,
): readonly [number, number] | undefined | 'invalid' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  // Several ranges at once, and units that nobody knows, may be answered with the whole.
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  if (match[1] === '') {
    const suffix = Math.min(size, Number(match[2]))
    return suffix === 0 ? 'invalid' : [size - suffix, size]
  }
  const start = Number(match[1])
  const end = match[2] === '' ? size : Math.min(size, Number(match[2]) + 1)
  return start >= size || end <= start ? 'invalid' : [start, end]
}

/**
 * Serves one file of a torrent over HTTP on this machine while it is being fetched, from wherever a player wants to look.
 *
 * @example
 * const client = await SwarmClient.open({ stateFolder: './state' })
 * const { torrent } = await client.seed('./album')
 * const stream = await StreamServer.open(torrent, 0)
 * const part = await fetch(stream.url, { headers: { range: 'bytes=1000-1999' } })
 * console.log((await part.arrayBuffer()).byteLength)
 * await stream.close()
 * await client.close()
 */
export class StreamServer {
  readonly #torrent: SwarmTorrent
  readonly #file: number
  readonly #server: Server

  private constructor(torrent: SwarmTorrent, file: number) {
    this.#torrent = torrent
    this.#file = file
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    })
  }

  /** Throws OperationError `port-invalid`, `port-in-use`, `port-not-allowed`, `cannot-listen`. */
  static async open(torrent: SwarmTorrent, file: number, port = 0): Promise<StreamServer> {
    assertPort(port)
    const stream = new StreamServer(torrent, file)
    try {
      await once(stream.#server.listen(port, HOST), 'listening')
    } catch (cause) {
      throw listenError(cause, HOST, port)
    }
    // One connection that fails is no reason to end.
    stream.#server.on('error', () => {})
    return stream
  }

  /** Where a player finds the file. */
  get url(): string {
    const { port } = this.#server.address() as { port: number }
    return `http://${HOST}:${port}/${encodeURIComponent(this.#name)}`
  }

  get #name(): string {
    return this.#torrent.info!.files[this.#file].path.at(-1)!
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A page in a browser could ask under another name for this machine, or for what is none of its business.
    const isOurs = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '')
    if (!isOurs || request.headers['sec-fetch-site'] === 'cross-site') {
      response.writeHead(403).end()
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end()
      return
    }
    if (!this.#torrent.core.isStarted) {
      response.writeHead(503, { 'retry-after': '1' }).end()
      return
    }
    const { length: size } = this.#torrent.info!.files[this.#file]
    const range = parseRange(request.headers.range, size)
    if (range === 'invalid') {
      response.writeHead(416, { 'content-range': `bytes */${size}` }).end()
      return
    }
    const [start, end] = range ?? [0, size]
    const extension = this.#name.split('.').at(-1)!.toLowerCase()
    response.writeHead(range === undefined ? 200 : 206, {
      'accept-ranges': 'bytes',
      'content-length': end - start,
      'content-type': TYPES[extension] ?? 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      ...(range !== undefined && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    // Players give up on a server that says nothing; the first bytes may take their time.
    response.flushHeaders()
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    // A player that looks elsewhere just hangs up.
    const bytes = this.#torrent.readFile(this.#file, start, end, gone.signal)
    await pipeline(Readable.from(bytes), response).catch(() => {})
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
