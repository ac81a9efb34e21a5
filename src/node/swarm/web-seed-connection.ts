import type { Agent, IncomingMessage } from 'node:http'
import { OperationError } from '../../base/errors.ts'
import { PIECE_BLOCK_BYTES, type PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { httpSeedUrl, webSeedUrl } from '../../bittorrent/metainfo/web-seed-url.ts'
import type { PieceBlock } from '../../bittorrent/picker/piece-picker.ts'
import type { PeerSession } from '../../bittorrent/swarm/peer-session.ts'
import { owedBlocks, owesBlock } from '../../bittorrent/swarm/requests.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import { OUR_EXTENSION_IDS } from '../../bittorrent/wire/extensions.ts'
import { type OpenUrlOptions, openUrl } from './fetch-url.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

/** Where the files, or the pieces, of a torrent lie on the web. */
export interface WebSeed {
  readonly url: string
  /** BEP 19: `files` under their names; BEP 17: `pieces` by number. */
  readonly gives: 'files' | 'pieces'
}

export interface WebSeedHost {
  now(): number
  readonly fetchOptions: OpenUrlOptions
  closed(connection: WebSeedConnection, code: string, retryAfterMs: number | undefined): void
}

/** Requests under way at one server. */
const LANES = 2
/** Blocks side by side that are fetched in one request. */
const RUN_BYTES_MAX = 4 * 1024 * 1024
/** What may come before the bytes that we want, from a server that knows no ranges. */
const SKIPPED_BYTES_MAX = 512 * 1024
/** BEP 17: the words of a server that wants us to come back later. */
const RETRY_TEXT_BYTES_MAX = 100
const RETRY_SECONDS_MAX = 86_400

/** Blocks that lie side by side. */
interface Run {
  readonly piece: number
  readonly position: number
  readonly length: number
  readonly blocks: readonly PieceBlock[]
}

/** The server does not want to be asked now. */
class ComeBackLater extends OperationError {
  readonly retryAfterMs: number | undefined

  constructor(seconds: number) {
    super('web-seed-busy', 'the server asks to come back later')
    this.retryAfterMs = seconds > 0 && seconds <= RETRY_SECONDS_MAX ? 1000 * seconds : undefined
  }
}

/** The server has this file not, or not in a form that helps. */
class FileLacking extends OperationError {}

/** Plays a peer that has everything to the core, and fetches from a web server what the core asks of it. */
export class WebSeedConnection {
  readonly seed: WebSeed
  readonly session: PeerSession
  readonly address: PeerAddress
  readonly #host: WebSeedHost
  readonly #torrent: SwarmTorrent
  readonly #info: TorrentInfo
  readonly #map: PieceMap
  readonly #abort = new AbortController()
  /** By protocol: redirects may lead from one to the other. */
  readonly #agents = new Map<string, Agent>()
  /** Blocks that wait for a request, by where they begin in the torrent. */
  readonly #waiting = new Map<number, PieceBlock>()
  /** The same of those under way. */
  readonly #fetching = new Set<number>()
  #lanes = 0
  #paused = false
  #wake: (() => void)[] = []

  constructor(host: WebSeedHost, torrent: SwarmTorrent, seed: WebSeed, session: PeerSession) {
    this.#host = host
    this.#torrent = torrent
    this.#info = torrent.core.info!
    this.#map = torrent.core.map!
    this.seed = seed
    this.session = session
    const { hostname, port, protocol } = new URL(seed.url)
    this.address = { host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) }
  }

  /** Takes up what the core has asked for; there is nothing else that a web server wants to hear. */
  flush(): void {
    if (this.#abort.signal.aborted || this.session.out.take() === undefined) return
    this.session.lastSaidAt = this.#host.now()
    for (const owed of owedBlocks(this.session)) {
      const position = owed.piece * this.#info.pieceLength + owed.block * PIECE_BLOCK_BYTES
      if (!this.#fetching.has(position)) this.#waiting.set(position, owed)
    }
    while (this.#lanes < LANES && this.#waiting.size > 0) void this.#work()
  }

  pauseReading(): void {
    this.#paused = true
  }

  resumeReading(): void {
    this.#paused = false
    for (const wake of this.#wake.splice(0)) wake()
  }

  close(code: string, retryAfterMs?: number): void {
    if (this.#abort.signal.aborted) return
    this.#abort.abort()
    this.resumeReading()
    for (const agent of this.#agents.values()) agent.destroy()
    this.#host.closed(this, code, retryAfterMs)
  }

  async #work(): Promise<void> {
    this.#lanes++
    try {
      for (let run = this.#takeRun(); run !== undefined; run = this.#takeRun()) {
        await this.#fetchRun(run).catch(error => {
          if (!(error instanceof FileLacking) || this.session.bits!.count === 0) throw error
        })
      }
    } catch (error) {
      const failure = error as OperationError & { retryAfterMs?: number }
      this.close(error instanceof OperationError ? failure.code : 'web-seed-cut', failure.retryAfterMs)
    } finally {
      this.#lanes--
    }
    // What was given back may be asked of others, or of this one for other files.
    this.#torrent.askForMore()
  }

  /** The block that waits longest, and those that follow it in the torrent. */
  #takeRun(): Run | undefined {
    if (this.#abort.signal.aborted) return undefined
    for (const [position, first] of this.#waiting) {
      if (owesBlock(this.session, first)) return this.#runFrom(position, first.piece)
      this.#waiting.delete(position)
    }
    return undefined
  }

  #runFrom(position: number, piece: number): Run {
    const blocks: PieceBlock[] = []
    let end = position
    while (end - position < RUN_BYTES_MAX) {
      const next = this.#waiting.get(end)
      if (next === undefined || (this.seed.gives === 'pieces' && next.piece !== piece)) break
      this.#waiting.delete(end)
      this.#fetching.add(end)
      blocks.push(next)
      end += this.#map.blockSize(next.piece, next.block)
    }
    return { piece, position, length: end - position, blocks }
  }

  async #fetchRun(run: Run): Promise<void> {
    let filled = 0
    let index = 0
    let buffer = new Uint8Array(PIECE_BLOCK_BYTES)
    try {
      for await (const chunk of this.#bytes(run)) {
        for (let at = 0; at < chunk.length; ) {
          const { piece, block } = run.blocks[index]
          const size = this.#map.blockSize(piece, block)
          const part = chunk.subarray(at, at + size - filled)
          buffer.set(part, filled)
          filled += part.length
          at += part.length
          if (filled < size) continue
          if (!this.#deliver(piece, block, buffer.subarray(0, size))) return
          filled = 0
          index++
          buffer = new Uint8Array(PIECE_BLOCK_BYTES)
        }
        // Others may have been faster with all the rest. (After the last block the answer ends by itself, and its socket lives on.)
        if (index < run.blocks.length && !run.blocks.slice(index).some(block => owesBlock(this.session, block))) return
      }
    } finally {
      for (const { piece, block } of run.blocks)
        this.#fetching.delete(piece * this.#info.pieceLength + block * PIECE_BLOCK_BYTES)
    }
  }

  /** Hands a block to the core. False once this is over. */
  #deliver(piece: number, block: number, data: Uint8Array): boolean {
    if (this.#abort.signal.aborted) return false
    const { core } = this.#torrent
    if (!owesBlock(this.session, { piece, block })) return true
    core.hearing(this.session, this.#host.now())
    const code = core.blockStarts(this.session, piece, block * PIECE_BLOCK_BYTES, data.length)
    if (code !== undefined) {
      this.close(code)
      return false
    }
    core.blockBytes(this.session, data, 0, data.length)
    core.blockEnds(this.session)
    core.heard(this.session)
    this.#torrent.received(data.length)
    return !this.#abort.signal.aborted
  }

  /** The bytes of a run as they come: one request for each file, or one for the piece. */
  async *#bytes(run: Run): AsyncGenerator<Uint8Array, void, void> {
    if (this.seed.gives === 'pieces') {
      const start = run.position - run.piece * this.#info.pieceLength
      const { infohashV1, infohashV2 } = this.#info
      const infohash = infohashV1 ?? infohashV2!.subarray(0, 20)
      const url = httpSeedUrl(this.seed.url, infohash, run.piece, start, start + run.length - 1)
      yield* this.#body(await this.#open(url, {}), 0, run.length)
      return
    }
    for (const slice of this.#map.slices(run.position, run.length)) {
      if (this.#info.files[slice.file].padding) yield new Uint8Array(slice.length)
      else yield* this.#fileBytes(slice.file, slice.fileOffset, slice.length)
    }
  }

  async *#fileBytes(file: number, start: number, length: number): AsyncGenerator<Uint8Array, void, void> {
    try {
      const url = webSeedUrl(this.seed.url, this.#info, file)
      const answer = await this.#open(url, { range: `bytes=${start}-${start + length - 1}` })
      yield* this.#body(answer, bytesBefore(answer, start, length, this.#info.files[file].length), length)
    } catch (error) {
      // A mirror may lack a file and have the others.
      if (error instanceof FileLacking) this.#lacks(file)
      throw error
    }
  }

  /** BEP 54, in the server's name: it does not have the pieces of a file. */
  #lacks(file: number): void {
    const { core } = this.#torrent
    const [first, last] = this.#map.piecesOfFile(file)!
    for (let piece = first; piece <= last; piece++) {
      const payload = Uint8Array.of(piece >>> 24, piece >>> 16, piece >>> 8, piece)
      core.extended(this.session, OUR_EXTENSION_IDS.lt_donthave, payload)
    }
    for (const { piece, block } of [...owedBlocks(this.session)]) {
      if (piece >= first && piece <= last) core.reject(this.session, piece, block * PIECE_BLOCK_BYTES)
    }
  }

  /** Asks, and judges the head of the answer. */
  async #open(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
    const answer = await openUrl(url, {
      ...this.#host.fetchOptions,
      headers,
      signal: this.#abort.signal,
      agent: (protocol, AgentOfProtocol) => {
        const agent = this.#agents.get(protocol) ?? new AgentOfProtocol({ keepAlive: true, maxSockets: LANES })
        this.#agents.set(protocol, agent)
        return agent
      },
    })
    const { statusCode = 0, headers: said } = answer
    if (statusCode === 200 || statusCode === 206) {
      if ((said['content-encoding'] ?? 'identity') === 'identity') return answer
      answer.destroy()
      throw new OperationError('web-seed-encoded', 'the server sends something else than the bytes of the file')
    }
    if (statusCode === 503 || statusCode === 429) {
      const seconds = Number(said['retry-after'] ?? (await shortText(answer)))
      answer.destroy()
      throw new ComeBackLater(seconds)
    }
    answer.destroy()
    const Failure = statusCode === 404 || statusCode === 410 ? FileLacking : OperationError
    throw new Failure(`web-seed-status-${statusCode}`, `the server answers ${statusCode}`)
  }

  /** So many bytes of an answer after those to be skipped; waits while the disk is behind. */
  async *#body(answer: IncomingMessage, skip: number, length: number): AsyncGenerator<Uint8Array, void, void> {
    let position = -skip
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      const from = Math.max(0, -position)
      const to = Math.min(chunk.length, length - position)
      position += chunk.length
      if (from < to) yield chunk.subarray(from, to)
      if (position > length) return
      while (this.#paused) await new Promise<void>(resolve => this.#wake.push(resolve))
    }
    if (position < length) throw new OperationError('web-seed-cut', 'the answer is shorter than it should be')
  }
}

/** How much of an answer comes before the range that was asked for; throws where it is none of that file. */
function bytesBefore(answer: IncomingMessage, start: number, length: number, fileLength: number): number {
  const fail = (error: OperationError): never => {
    answer.destroy()
    throw error
  }
  const otherFile = () => new FileLacking('web-seed-other-file', 'the file has another size')
  if (answer.statusCode === 206) {
    const said = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers['content-range'] ?? '')
    const isWanted = Number(said?.[1]) === start && Number(said?.[2]) === start + length - 1
    if (!isWanted) fail(new OperationError('web-seed-wrong-range', 'the server sends another range'))
    if (said![3] !== '*' && Number(said![3]) !== fileLength) fail(otherFile())
    return 0
  }
  // A server that knows no ranges sends the whole: good enough for the beginning, and for small files.
  const announced = answer.headers['content-length']
  if (announced !== undefined && Number(announced) !== fileLength) fail(otherFile())
  if (start > SKIPPED_BYTES_MAX) fail(new FileLacking('web-seed-no-ranges', 'the server knows no ranges'))
  return start
}

async function shortText(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer) {
    text += Buffer.from(chunk).toString('latin1')
    if (text.length > RETRY_TEXT_BYTES_MAX) return ''
  }
  return text
}
