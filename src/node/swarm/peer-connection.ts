import { connect, type Socket } from 'node:net'
import { toHex } from '../../base/bytes/bytes.ts'
import type { KnownPeer } from '../../bittorrent/swarm/candidates.ts'
import type { PeerSession } from '../../bittorrent/swarm/peer-session.ts'
import { SessionSink } from '../../bittorrent/swarm/session-sink.ts'
import { refuseUpload, type UploadRun } from '../../bittorrent/swarm/uploads.ts'
import { isNeighbour } from '../../bittorrent/wire/address-scope.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import type { Handshake } from '../../bittorrent/wire/handshake.ts'
import { PIECE_HEADER_BYTES } from '../../bittorrent/wire/message-ids.ts'
import { MessageReader, type MessageSink } from '../../bittorrent/wire/message-reader.ts'
import { writePieceHeader } from '../../bittorrent/wire/message-writer.ts'
import type { SendBacklog } from './send-backlog.ts'
import { giveBuffer, takeBuffer } from './send-buffers.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

/** What all connections of a client share. */
export interface ConnectionHost {
  now(): number
  readonly backlog: SendBacklog
  /** The torrent that a newcomer asks for. */
  route(infohash: Uint8Array): SwarmTorrent | undefined
  /** Whether the torrent has a place for him. */
  admits(newcomer: PeerConnection, torrent: SwarmTorrent): boolean
  closed(connection: PeerConnection, code: string): void
}

/**
 * One buffer for all sockets: what is read is used up before the next read begins. Never a Buffer, whose `slice` does not copy: what
 * the cores keep of it would change under them.
 */
const RECEIVE_BUFFER = new Uint8Array(256 * 1024)
/** What is read at once where a limit holds: it counts what was read, and may not be overrun by much. */
const LIMITED_BYTES = 16 * 1024

/** Sent in one go: what the peer takes in so short a time, for fewer and larger reads cost less, but never less or more than this. */
const SEND_MS = 4
const SEND_BYTES_MIN = 256 * 1024
const SEND_BYTES_MAX = 1024 * 1024
/** So many of them may wait in one socket. */
const SEND_AHEAD = 3
const HANDSHAKE_MS = 10_000

/** One peer's socket: bytes to messages, messages and blocks to bytes. */
export class PeerConnection {
  readonly address: PeerAddress
  readonly incoming: boolean
  torrent: SwarmTorrent | undefined
  session: PeerSession | undefined
  readonly #host: ConnectionHost
  readonly #socket: Socket
  readonly #reader: MessageReader
  #closed = false
  #sending = 0
  /** Bytes of blocks that wait in the socket. */
  #blockBytes = 0
  #readPaused = false
  #deadline: NodeJS.Timeout

  private constructor(host: ConnectionHost, socket: Socket, address: PeerAddress, torrent: SwarmTorrent | undefined) {
    this.#host = host
    this.#socket = socket
    this.address = address
    this.torrent = torrent
    this.incoming = torrent === undefined
    const lobby: Pick<MessageSink, 'onHandshake'> = { onHandshake: handshake => this.#shakeHands(handshake) }
    this.#reader = new MessageReader(lobby as MessageSink)
    this.#deadline = setTimeout(() => this.close('peer-no-handshake'), HANDSHAKE_MS)
    socket.setNoDelay(true)
    socket.on('error', error => this.close(`socket-${(error as NodeJS.ErrnoException).code ?? 'error'}`))
    socket.on('close', () => this.close('peer-closed'))
    socket.on('end', () => this.close('peer-closed'))
  }

  /** Calls a peer. */
  static dial(host: ConnectionHost, torrent: SwarmTorrent, peer: KnownPeer): PeerConnection {
    let connection: PeerConnection | undefined
    const socket = connect({
      host: peer.host,
      port: peer.port,
      onread: {
        buffer: torrent.limits.isDownloadLimited ? RECEIVE_BUFFER.subarray(0, LIMITED_BYTES) : RECEIVE_BUFFER,
        callback: (bytesRead, buffer) => {
          connection!.#receive(buffer, bytesRead)
          return !connection!.#readPaused
        },
      },
    })
    connection = new PeerConnection(host, socket, peer, torrent)
    socket.once('connect', () => socket.write(greeting(torrent, peer)))
    return connection
  }

  /** A peer calls us. */
  static accept(host: ConnectionHost, socket: Socket): PeerConnection {
    const address = { host: plainHost(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
    const connection = new PeerConnection(host, socket, address, undefined)
    socket.on('data', data => {
      connection.#receive(new Uint8Array(data.buffer, data.byteOffset, data.length), data.length)
    })
    return connection
  }

  #shakeHands(handshake: Handshake): void {
    clearTimeout(this.#deadline)
    const torrent = this.torrent ?? this.#host.route(handshake.infohash)
    // A torrent that we called for may have been paused or removed meanwhile.
    if (torrent === undefined || torrent.isHeld || !torrent.isFor(handshake.infohash)) {
      this.#reader.fail('peer-unknown-torrent')
      return
    }
    if (this.incoming && !this.#host.admits(this, torrent)) {
      this.#reader.fail('torrent-full')
      return
    }
    if (this.incoming) this.#socket.write(torrent.core.handshake(handshake))
    const identity = identityOf(this.address, handshake.peerId)
    const { host, port } = this.address
    const origin = { host, port: this.incoming ? undefined : port, incoming: this.incoming, identity }
    const session = torrent.core.join(handshake, origin, this.#host.now())
    if (typeof session === 'string') {
      this.#reader.fail(session)
      return
    }
    this.torrent = torrent
    this.session = session
    torrent.joined(this, session)
    this.#reader.handOver(new SessionSink(session, torrent.core, code => this.#reader.fail(code)))
  }

  #receive(buffer: Uint8Array, length: number): void {
    if (this.#closed) return
    const { session, torrent } = this
    if (session !== undefined) torrent!.core.hearing(session, this.#host.now())
    const before = session?.download.total ?? 0
    const failure = this.#reader.push(buffer, 0, length)
    if (failure !== undefined) {
      this.close(failure)
      return
    }
    if (this.session === undefined) return
    this.torrent!.core.heard(this.session)
    this.torrent!.received(this.session.download.total - before)
    // Others were told when that began; this one may have joined since.
    if (this.torrent!.isThrottled) this.pauseReading()
  }

  pauseReading(): void {
    if (this.#readPaused || this.#closed) return
    this.#readPaused = true
    this.#socket.pause()
  }

  resumeReading(): void {
    if (!this.#readPaused || this.#closed) return
    this.#readPaused = false
    this.#socket.resume()
  }

  /** Bytes of small messages that wait in the socket. */
  get waitingBytes(): number {
    return Math.max(0, this.#socket.writableLength - this.#blockBytes)
  }

  /** Sends what waits: small messages, then blocks as far as limits and the socket allow. */
  flush(): void {
    const { session } = this
    if (session === undefined || this.#closed) return
    const bytes = session.out.take()
    if (bytes !== undefined) {
      this.#socket.write(bytes)
      session.lastSaidAt = this.#host.now()
      this.#host.backlog.written(this)
      if (this.#closed) return
    }
    if (session.uploads.length > 0) this.#sendBlocks(session)
  }

  #sendBlocks(session: PeerSession): void {
    const { limits } = this.torrent!
    const now = this.#host.now()
    const takesBytes = (session.upload.rate(now) * SEND_MS) / 1000
    const bytesAtOnce = Math.max(SEND_BYTES_MIN, Math.min(takesBytes, SEND_BYTES_MAX))
    while (this.#sending < SEND_AHEAD * bytesAtOnce) {
      const available = limits.mayUpload(now)
      if (available <= 0) return
      const run = this.torrent!.core.takeUpload(session, Math.min(bytesAtOnce, available))
      if (run === undefined) return
      const bytes = run.lengths.reduce((sum, length) => sum + length, 0)
      limits.uploaded(bytes, now)
      this.#sending += bytes
      void this.#sendRun(session, run, bytes)
    }
  }

  /** Reads a run into one buffer, between the headers of its blocks, and sends it. */
  async #sendRun(session: PeerSession, run: UploadRun, bytes: number): Promise<void> {
    const total = bytes + run.lengths.length * PIECE_HEADER_BYTES
    const buffer = takeBuffer(total)
    const views: Uint8Array[] = []
    let at = 0
    let { begin } = run
    for (const length of run.lengths) {
      writePieceHeader(buffer, at, run.piece, begin, length)
      views.push(buffer.subarray(at + PIECE_HEADER_BYTES, at + PIECE_HEADER_BYTES + length))
      at += PIECE_HEADER_BYTES + length
      begin += length
    }
    const isThere = await this.torrent!.readForPeer(run, views)
    if (!isThere || this.#closed) {
      giveBuffer(buffer)
      this.#sending -= bytes
      refuseUpload(session, run)
      this.flush()
      return
    }
    this.#blockBytes += total
    this.#socket.write(buffer.subarray(0, total), () => {
      giveBuffer(buffer)
      this.#blockBytes -= total
      this.#sending -= bytes
      if (this.#closed) return
      const now = this.#host.now()
      session.lastSaidAt = now
      this.torrent!.core.uploaded(session, bytes, now)
      this.flush()
    })
  }

  close(code: string): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#deadline)
    this.#reader.fail(code)
    this.#socket.destroy()
    this.#host.backlog.gone(this)
    this.#host.closed(this, code)
  }
}

/** What we say first to a peer (BEP 52: one that was found by one infohash may know no other). */
function greeting({ core, infohashes }: SwarmTorrent, { foundBy }: KnownPeer): Uint8Array {
  const infohash = foundBy && infohashes[foundBy]?.subarray(0, 20)
  return core.handshake(infohash && { infohash, v2: false })
}

/** IPv4 addresses that arrive on an IPv6 socket, in their own form. */
export function plainHost(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

/** What a peer is known by when it misbehaves. On one machine, or behind one router, hosts do not tell peers apart. */
function identityOf({ host }: PeerAddress, peerId: Uint8Array): string {
  return isNeighbour(host) ? `${host}/${toHex(peerId)}` : host
}
