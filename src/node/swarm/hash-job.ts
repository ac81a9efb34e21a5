import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { MERKLE_BLOCK_BYTES, MERKLE_HASH_BYTES, merkleRoot } from '../../bittorrent/metainfo/merkle.ts'
import { nodeBulkHash } from './node-bulk-hash.ts'

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
export type PieceHashes = { readonly sha1: Uint8Array | undefined; readonly root: Uint8Array | undefined } | undefined

/** Read and hashed in one go: a whole number of blocks. */
const CHUNK_BYTES = 16 * MERKLE_BLOCK_BYTES

const NO_HASH = new Uint8Array(MERKLE_HASH_BYTES)

/** Keeps the last file open, as pieces come in order. */
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
        this.#fd = openSync(path, 'r')
        this.#path = path
      }
      let done = 0
      while (done < into.length) {
        const bytesRead = readSync(this.#fd, into, done, into.length - done, offset + done)
        if (bytesRead === 0) return false
        done += bytesRead
      }
      return true
    } catch {
      return false
    }
  }

  close(): void {
    if (this.#path !== undefined) closeSync(this.#fd)
    this.#path = undefined
  }
}

function hashPiece(piece: HashPiece, wantSha1: boolean, reader: FileReader, chunk: Uint8Array): PieceHashes {
  const sha1 = wantSha1 ? createHash('sha1') : undefined
  const leaves: Uint8Array[] = []
  let filled = 0
  const digestChunk = () => {
    const data = chunk.subarray(0, filled)
    sha1?.update(data)
    if (piece.levels !== undefined) {
      for (let at = 0; at < filled; at += MERKLE_BLOCK_BYTES) {
        leaves.push(nodeBulkHash.sha256(data.subarray(at, at + MERKLE_BLOCK_BYTES)))
      }
    }
    filled = 0
  }
  for (const segment of piece.segments) {
    let done = 0
    while (done < segment.length) {
      const run = Math.min(segment.length - done, CHUNK_BYTES - filled)
      const part = { ...segment, offset: segment.offset + done }
      if (!reader.fill(chunk.subarray(filled, filled + run), part)) return undefined
      filled += run
      done += run
      if (filled === CHUNK_BYTES) digestChunk()
    }
  }
  if (filled > 0) digestChunk()
  if (sha1 !== undefined && piece.paddingBytes > 0) sha1.update(new Uint8Array(piece.paddingBytes))
  const layer = new Uint8Array(leaves.length * MERKLE_HASH_BYTES)
  for (let i = 0; i < leaves.length; i++) layer.set(leaves[i], i * MERKLE_HASH_BYTES)
  const root = piece.levels === undefined ? undefined : merkleRoot(layer, piece.levels, NO_HASH, nodeBulkHash.sha256)
  return { sha1: sha1?.digest(), root }
}

/** Hashes pieces from the disk; blocks the thread it runs in. */
export function runHashJob(job: HashJob): PieceHashes[] {
  const reader = new FileReader()
  const chunk = new Uint8Array(CHUNK_BYTES)
  try {
    return job.pieces.map(piece => hashPiece(piece, job.sha1, reader, chunk))
  } finally {
    reader.close()
  }
}
