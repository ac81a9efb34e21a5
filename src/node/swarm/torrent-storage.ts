import { emptyBytes } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { PIECE_BLOCK_BYTES } from '../../bittorrent/metainfo/piece-map.ts'
import { expectedHashes } from '../../bittorrent/storage/expected-hashes.ts'
import {
  type HashEffect,
  PieceAssembler,
  type ReadEffect,
  type StorageEffect,
  type WriteEffect,
} from '../../bittorrent/storage/piece-assembler.ts'
import type { Torrent } from '../../bittorrent/swarm/torrent.ts'
import type { TorrentEffect } from '../../bittorrent/swarm/torrent-options.ts'
import type { UploadRun } from '../../bittorrent/swarm/uploads.ts'
import { nodeBulkHash } from '../../platform/bulk-hash.ts'
import { ChangedFiles } from './changed-files.ts'
import { hashLeaves } from './hash-leaves.ts'
import type { OpenedFiles } from './open-files.ts'
import { diskError } from './torrent-files.ts'
import type { TorrentHost } from './torrent-host.ts'
import type { TorrentProgress } from './torrent-progress.ts'

function hybridMismatch(piece: number): OperationError {
  return new OperationError('torrent-hybrid-mismatch', `the torrent says two things of its piece ${piece}`, {
    next: 'ask whoever made it for another one',
  })
}

/** What a torrent's storage needs of the torrent. */
export interface StorageOwner {
  readonly core: Torrent
  readonly host: TorrentHost
  readonly progress: TorrentProgress
  isClosed(): boolean
  settle(): void
  /** The disk does not do what it should, or the torrent cannot be. */
  failed(error: OperationError): void
}

/** Carries out what the core of the storage decides: blocks to the files, and back. */
export class TorrentStorage {
  readonly assembler: PieceAssembler
  readonly #owner: StorageOwner
  readonly #opened: OpenedFiles
  readonly #changed: ChangedFiles
  /** Reads, writes and hashes under way. */
  #work = 0

  constructor(owner: StorageOwner, opened: OpenedFiles) {
    const { core, host } = owner
    const { info, map } = opened.target
    const expected = (piece: number) => expectedHashes(info, map, core.layers, piece)
    this.assembler = new PieceAssembler(map, nodeBulkHash, expected, host.blockPool)
    this.#owner = owner
    this.#opened = opened
    this.#changed = new ChangedFiles(
      core,
      opened,
      host.hashPool,
      () => host.now(),
      error => owner.failed(error),
    )
    owner.progress.onNotDurable = pieces => this.#giveUp(pieces)
  }

  /** Even where reads still give what was written, the disk may not have it: it comes again. */
  #giveUp(pieces: readonly number[]): void {
    const { core, host } = this.#owner
    // Some of them may just have been verified.
    this.#owner.settle()
    this.assembler.giveUpAll()
    for (const piece of pieces) core.pieceLost(piece, host.now())
    this.#owner.settle()
  }

  /**
   * Takes up the blocks that were there before.
   *
   * @returns what is wrong where everything was expected to be there
   */
  restore(expectComplete: boolean): OperationError | undefined {
    for (const [piece, blocks] of this.#opened.stored.partial) this.assembler.restoreBlocks(piece, blocks)
    return expectComplete ? this.#changed.missing() : undefined
  }

  /** Twice a second: what waits must not hold the memory of all for ever. True where there is work now. */
  relieve(): boolean {
    return this.#work === 0 && this.assembler.relieve()
  }

  carryOut(effect: StorageEffect): void {
    const { core, host, progress } = this.#owner
    const now = host.now()
    if (effect.type === 'write') void this.#write(effect)
    else if (effect.type === 'hash') this.#hash(effect)
    else if (effect.type === 'read') void this.#readBack(effect)
    else if (effect.type === 'verified') core.pieceVerified(effect.piece, effect.digests, now)
    else {
      progress.drop(effect.piece)
      if (effect.type === 'contradiction') this.#owner.failed(hybridMismatch(effect.piece))
      core.pieceFailed(effect.piece, effect.type === 'failed' ? effect.digests : emptyBytes(), now)
    }
  }

  async #write(effect: WriteEffect): Promise<void> {
    const { piece, firstBlock, buffers, parts } = effect
    const { files, target } = this.#opened
    this.#work++
    try {
      await files.write(piece * target.map.pieceLength + firstBlock * PIECE_BLOCK_BYTES, parts)
      this.#owner.progress.note({ piece, firstBlock, blockCount: buffers.length })
      this.assembler.written(effect, true)
    } catch (error) {
      // First it stops asking, so that what is given up now is not asked for again at once.
      this.#owner.failed(diskError(error, files.places.folder))
      this.assembler.written(effect, false)
    }
    this.#work--
    this.#owner.settle()
  }

  #hash(effect: HashEffect): void {
    this.#work++
    this.#owner.host.hashQueue.add(effect.work, () => {
      this.#work--
      this.assembler.hashed(effect)
      this.#owner.settle()
    })
  }

  async #readBack(effect: ReadEffect): Promise<void> {
    const { piece, firstBlock, blockCount } = effect
    this.#work++
    const { files, target } = this.#opened
    const start = firstBlock * PIECE_BLOCK_BYTES
    const end = Math.min(target.map.dataSize(piece), start + blockCount * PIECE_BLOCK_BYTES)
    const bytes = new Uint8Array(end - start)
    const isThere = await files.read(piece * target.map.pieceLength + start, [bytes]).catch(() => false)
    this.#work--
    this.assembler.readBack(effect, isThere ? bytes : undefined)
    this.#owner.settle()
  }

  async hashLeaves({ session, range, span }: TorrentEffect & { type: 'leaves' }): Promise<void> {
    const { files, target } = this.#opened
    this.#owner.core.leavesHashed(
      session,
      range,
      await hashLeaves(target.info, files, span, this.#owner.host.hashQueue),
    )
    this.#owner.settle()
  }

  /** Where one file was changed, no more goes out of any, not even what was asked for before. */
  #mayServe(piece: number): boolean {
    return this.#owner.core.picker!.have.has(piece) && !this.#changed.hasLost
  }

  /** Fills the views with blocks for a peer; false where the files do not have them any more. */
  async readForPeer(run: UploadRun, views: readonly Uint8Array[]): Promise<boolean> {
    const { files, target } = this.#opened
    if (!this.#mayServe(run.piece)) return false
    try {
      const isThere = await files.read(run.piece * target.map.pieceLength + run.begin, views)
      if (!isThere) void this.doubt(run.piece)
      return isThere && this.#mayServe(run.piece)
    } catch (error) {
      // That says nothing about the file.
      if ((error as OperationError).code !== 'too-many-open-files') void this.doubt(run.piece)
      return false
    }
  }

  /** A file may not be what it was. Resolves when that is known: the piece is lost then, or can be read again. */
  async doubt(piece: number): Promise<void> {
    if (this.#owner.isClosed()) return
    await this.#changed.doubt(piece)
    this.#owner.settle()
  }

  get hasDoubts(): boolean {
    return this.#changed.hasLost
  }

  get isReconsidering(): boolean {
    return this.#changed.isReconsidering
  }

  /** Hashes again what changed files have cost: they may be as they were. */
  reconsider(): Promise<void> {
    return this.#changed.reconsider()
  }

  /** Resolves when no write and no hash is under way. */
  async idle(): Promise<void> {
    while (this.#work > 0) await new Promise(resolve => setImmediate(resolve))
  }
}
