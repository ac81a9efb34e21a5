import type { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import type { PieceLayers } from '../../bittorrent/metainfo/piece-layers.ts'
import { PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import type { StoredPieces } from '../../bittorrent/swarm/torrent-options.ts'
import { Bitfield } from '../../bittorrent/wire/bitfield.ts'
import type { CheckTarget } from './check-pieces.ts'
import { FilePlaces } from './file-places.ts'
import { unwantedFiles } from './file-selection.ts'
import type { HashPool } from './hash-pool.ts'
import { inspectFiles } from './inspect-files.ts'
import { type FileMoves, finishMove } from './move-files.ts'
import type { ResumeStore } from './resume-store.ts'
import { TorrentFiles } from './torrent-files.ts'
import type { SwarmTorrentOptions, TorrentEvents } from './torrent-host.ts'

/** The names of what a torrent keeps in the folder of states. */
export class StatePaths {
  readonly #stem: string

  constructor(folder: string, infohash: string) {
    this.#stem = join(folder, infohash)
  }

  get resume(): string {
    return `${this.#stem}.resume`
  }

  /** Where bytes lie that belong to files nobody asked for. */
  get parts(): string {
    return `${this.#stem}.parts`
  }

  /** Where the files went after they were moved or renamed. */
  get places(): string {
    return `${this.#stem}.places`
  }
}

/** The files of a torrent as they were found. */
export interface OpenedFiles {
  readonly files: TorrentFiles
  readonly stored: StoredPieces
  readonly unwanted: ReadonlySet<number>
  readonly target: CheckTarget
}

export interface OpenRequest {
  readonly info: TorrentInfo
  readonly layers: PieceLayers
  readonly options: SwarmTorrentOptions
  readonly paths: StatePaths
  readonly resume: ResumeStore
  readonly hashPool: HashPool
  /** Their signal ends it. */
  readonly moves: FileMoves
  /** Told how far the work is: `checked` and `moved`. */
  readonly events: EventEmitter<TorrentEvents>
}

/** Finds the files of a torrent, ends a move that a crash has interrupted, and learns what is there. */
export async function openFiles(request: OpenRequest): Promise<OpenedFiles> {
  const { info, layers, options, paths, resume, hashPool, moves, events } = request
  const map = new PieceMap(info)
  const places = await FilePlaces.load(info, paths.places, options.folder)
  const files = new TorrentFiles(info, map, places, paths.parts)
  if (places.isMoving) await finishMove(info, files, moves.signal, events)
  const unwanted = unwantedFiles(info, options.only)
  files.setUnwanted(unwanted)
  const locate = (file: number, fileOffset: number, position: number) =>
    unwanted.has(file) ? { path: paths.parts, offset: position } : { path: files.path(file), offset: fileOffset }
  const target = { info, map, layers, locate }
  if (!options.trustFiles) {
    const onChecked = (done: number, total: number) => events.emit('checked', done, total)
    const stored = await inspectFiles(target, files, resume, hashPool, onChecked)
    return { files, stored, unwanted, target }
  }
  await files.states()
  const have = new Bitfield(map.pieceCount)
  have.fill()
  return { files, stored: { have, partial: new Map() }, unwanted, target }
}

/** The refusal of what needs files before it is known which there are. */
export function filesUnknown(): OperationError {
  return new OperationError('torrent-busy', 'its files are not known yet', { next: 'try again later' })
}

/** The refusal of what peers sent in answer to a magnet link, and what is no torrent. */
export function invalidTorrent(code: string): OperationError {
  return new OperationError(code, 'what the link stands for is no torrent that can be used', {
    next: 'ask whoever gave you the link for another one',
  })
}
