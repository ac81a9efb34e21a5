import { OperationError } from '../../base/errors.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'
import { diskError, type TorrentFiles } from './torrent-files.ts'
import { assertGoesOn, assertOpen } from './verified-pieces.ts'

/** Read and handed on at once. */
const READ_BYTES = 256 * 1024
/** What is fetched ahead of a reader. */
const READ_AHEAD_BYTES = 8 * 1024 * 1024

/** Those who read files of a torrent while it is fetched: what they will want soon comes before everything else. */
export class FileReaders {
  readonly #torrent: SwarmTorrent
  readonly #files: TorrentFiles
  readonly #doubt: (piece: number) => Promise<void>
  /** Pieces that each reader waits for. */
  readonly #waiting = new Map<object, readonly number[]>()

  /** @param doubt resolves when a piece that could not be read is lost, or may be read again */
  constructor(torrent: SwarmTorrent, files: TorrentFiles, doubt: (piece: number) => Promise<void>) {
    this.#torrent = torrent
    this.#files = files
    this.#doubt = doubt
  }

  /**
   * The bytes of a file from `start` up to `end` as they become available; ends where `signal` says that nobody wants them any more.
   * Throws why the torrent stopped, or `closing`.
   */
  async *read(
    file: number,
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, void> {
    const { files, pieceLength } = this.#torrent.info!
    const isInside = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0
    if (!isInside || files[file] === undefined || end > files[file].length) {
      throw new OperationError('range-invalid', `the torrent has no such bytes: ${start} to ${end} of file ${file}`)
    }
    const from = files[file].offset + start
    const to = files[file].offset + end
    const reader = {}
    const { have } = this.#torrent.core.picker!
    let doubtedAt: number | undefined
    try {
      for (let at = from; at < to; ) {
        const piece = Math.floor(at / pieceLength)
        this.#waitFor(reader, piece, Math.floor((to - 1) / pieceLength))
        while (!have.has(piece)) {
          if (signal?.aborted) return
          assertGoesOn(this.#torrent)
          await this.#anyPiece(signal)
        }
        const run = Math.min((piece + 1) * pieceLength, to, at + READ_BYTES) - at
        const bytes = new Uint8Array(run)
        if (signal?.aborted) return
        // Files that are closed would be opened again, and nobody would close them.
        assertOpen(this.#torrent)
        const failure = await this.#fill(bytes, at, file)
        if (failure !== undefined) {
          // The first says nothing about the file; what was found right and cannot be read even so would be doubted for ever.
          if (failure.code === 'too-many-open-files' || doubtedAt === at) throw failure
          doubtedAt = at
          await this.#doubt(piece)
          continue
        }
        // It was lost meanwhile: nobody knows which bytes these are.
        if (!have.has(piece)) continue
        yield bytes
        at += run
      }
    } finally {
      this.#waiting.delete(reader)
      this.#applyDeadlines()
    }
  }

  /** Why the bytes of a file are not to be had, where they are not. */
  async #fill(bytes: Uint8Array, at: number, file: number): Promise<OperationError | undefined> {
    try {
      if (await this.#files.read(at, [bytes])) return undefined
    } catch (error) {
      return diskError(error, this.#files.path(file))
    }
    return new OperationError('file-changed', `${this.#files.path(file)} became shorter`, { next: 'put the file back' })
  }

  /** Resolves at the next piece, at a change of state, or when nobody wants it any more. */
  async #anyPiece(signal: AbortSignal | undefined): Promise<void> {
    const torrent = this.#torrent
    await new Promise<void>(resolve => {
      const finish = () => {
        torrent.off('piece', finish)
        torrent.off('state', finish)
        signal?.removeEventListener('abort', finish)
        resolve()
      }
      torrent.on('piece', finish)
      torrent.on('state', finish)
      signal?.addEventListener('abort', finish)
    })
  }

  #waitFor(reader: object, piece: number, last: number): void {
    const ahead = Math.max(2, Math.ceil(READ_AHEAD_BYTES / this.#torrent.info!.pieceLength))
    const pieces: number[] = []
    for (let next = piece; next <= last && pieces.length < ahead; next++) pieces.push(next)
    this.#waiting.set(reader, pieces)
    this.#applyDeadlines()
  }

  #applyDeadlines(): void {
    this.#torrent.core.picker?.setDeadlines([...new Set([...this.#waiting.values()].flat())])
    this.#torrent.askForMore()
  }
}
