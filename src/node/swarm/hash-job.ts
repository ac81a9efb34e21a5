import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { OperationError } from '../../base/errors.ts'
import type { PieceWork } from '../../base/ports/bulk-hash.ts'
import { MERKLE_BLOCK_BYTES } from '../../bittorrent/metainfo/merkle.ts'
import { type FoundHashes, RunningHashes } from '../../bittorrent/storage/running-hashes.ts'
import { nodeBulkHash } from '../../platform/bulk-hash.ts'
import { isTooManyOpen, openPatientlySync } from './open-patiently.ts'

/** A run of bytes of a file; zeros where there is no path. */
export interface HashSegment {
  readonly path: string | undefined
  readonly offset: number
  readonly length: number
}

/** A piece to be hashed from the disk. */
export interface HashPiece {
  readonly segments: readonly HashSegment[]
  /** BEP 52: levels of the piece's tree; `undefined` where only SHA-1 is wanted. */
  readonly levels: number | undefined
  /** Bytes at the end that belong to the SHA-1 but not to the tree. */
  readonly paddingBytes: number
}

export interface HashJob {
  readonly sha1: boolean
  readonly pieces: readonly HashPiece[]
}

/** What a piece hashed to; `undefined` where the bytes were not all there. */
export type PieceHashes = FoundHashes | undefined

/** Read and hashed of a piece in one go: a whole number of blocks. */
const CHUNK_BYTES = 16 * MERKLE_BLOCK_BYTES

/** Neither a link leads elsewhere, nor does a pipe keep us waiting; systems that know no such flags have none. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Opens a regular file; throws for anything else. */
function openFile(path: string): number {
  const fd = openSync(path, OPEN_FLAGS)
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw new OperationError('path-not-a-file', `${path} is no file`)
}

/** Keeps the last file open, as pieces come nearly in order. */
class FileReader {
  #path: string | undefined
  #fd = -1

  /** False where the file is missing or too short. */
  fill(into: Uint8Array, { path, offset }: HashSegment): boolean {
    if (path === undefined) {
      into.fill(0)
      return true
    }
    try {
      if (path !== this.#path) {
        this.close()
        this.#fd = openPatientlySync(() => openFile(path))
        this.#path = path
      }
      let done = 0
      while (done < into.length) {
        const bytesRead = readSync(this.#fd, into, done, into.length - done, offset + done)
        if (bytesRead === 0) return false
        done += bytesRead
      }
      return true
    } catch (error) {
      if (isTooManyOpen(error)) throw error
      return false
    }
  }

  close(): void {
    if (this.#path !== undefined) closeSync(this.#fd)
    this.#path = undefined
  }
}

/** A piece that is being hashed. */
class RunningPiece {
  readonly #piece: HashPiece
  readonly #reader: FileReader
  readonly #chunk: Uint8Array
  readonly #hashes: RunningHashes
  #segment = 0
  #offset = 0
  #isMissing = false

  constructor(piece: HashPiece, wantSha1: boolean, reader: FileReader, chunk: Uint8Array) {
    const { segments, levels, paddingBytes } = piece
    const bytes = segments.reduce((sum, { length }) => sum + length, 0)
    this.#piece = piece
    this.#reader = reader
    this.#chunk = chunk
    const blockCount = Math.ceil(bytes / MERKLE_BLOCK_BYTES)
    this.#hashes = new RunningHashes(nodeBulkHash, { sha1: wantSha1, levels, blockCount, paddingBytes })
  }

  get isOver(): boolean {
    return this.#isMissing || this.#segment === this.#piece.segments.length
  }

  /** Reads the next chunk, to be hashed before the one after it; `undefined` where bytes are missing. */
  next(): PieceWork | undefined {
    const { segments } = this.#piece
    let filled = 0
    while (filled < CHUNK_BYTES && this.#segment < segments.length) {
      const segment = segments[this.#segment]
      const run = Math.min(segment.length - this.#offset, CHUNK_BYTES - filled)
      const part = { ...segment, offset: segment.offset + this.#offset }
      if (!this.#reader.fill(this.#chunk.subarray(filled, filled + run), part)) {
        this.#isMissing = true
        return undefined
      }
      filled += run
      this.#offset += run
      if (this.#offset < segment.length) continue
      this.#segment++
      this.#offset = 0
    }
    const blockCount = Math.ceil(filled / MERKLE_BLOCK_BYTES)
    const work = this.#hashes.work(blockCount, [this.#chunk.subarray(0, filled)])
    this.#hashes.took(blockCount)
    return work
  }

  hashes(): PieceHashes {
    return this.#isMissing ? undefined : this.#hashes.found()
  }
}

/** Hashes pieces from the disk, several side by side; blocks the thread it runs in. */
export function runHashJob(job: HashJob): PieceHashes[] {
  const reader = new FileReader()
  const chunks = Array.from({ length: nodeBulkHash.lanes }, () => new Uint8Array(CHUNK_BYTES))
  const hashes: PieceHashes[] = []
  try {
    for (let first = 0; first < job.pieces.length; first += chunks.length) {
      const running = job.pieces
        .slice(first, first + chunks.length)
        .map((piece, i) => new RunningPiece(piece, job.sha1, reader, chunks[i]))
      for (;;) {
        const works = running.filter(piece => !piece.isOver).map(piece => piece.next())
        if (works.length === 0) break
        nodeBulkHash.hashPieces(works.filter(work => work !== undefined))
      }
      hashes.push(...running.map(piece => piece.hashes()))
    }
    return hashes
  } finally {
    reader.close()
  }
}
