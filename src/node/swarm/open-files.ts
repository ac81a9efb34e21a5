import type { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import type { PieceLayers } from '../../bittorrent/metainfo/piece-layers.ts'
import { PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import type { FileState, ResumeSnapshot } from '../../bittorrent/storage/resume-data.ts'
import type { StoredPieces } from '../../bittorrent/swarm/torrent-options.ts'
import { Bitfield } from '../../bittorrent/wire/bitfield.ts'
import type { CheckTarget } from './check-pieces.ts'
import { FilePlaces } from './file-places.ts'
import { unwantedFiles } from './file-selection.ts'
import { ABSENT_FILE, stateOf } from './file-state.ts'
import type { HashPool } from './hash-pool.ts'
import { inspectFiles } from './inspect-files.ts'
import { type FileMoves, finishMove } from './move-files.ts'
import type { OpenFilesLimit } from './open-files-limit.ts'
import type { FoundResume, ResumeStore } from './resume-store.ts'
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

const NOTHING_FOUND: FoundResume = { snapshot: undefined, journal: [] }

/** The files of a torrent as they were found. */
export interface OpenedFiles {
  readonly files: TorrentFiles
  readonly stored: StoredPieces
  readonly unwanted: ReadonlySet<number>
  /** Those of the unwanted ones that are not there: what is fetched of them lies in the file of parts. */
  readonly inParts: ReadonlySet<number>
  readonly partsPath: string
  readonly target: CheckTarget
}

export interface OpenRequest {
  readonly info: TorrentInfo
  readonly layers: PieceLayers
  readonly options: SwarmTorrentOptions
  readonly paths: StatePaths
  readonly resume: ResumeStore
  readonly hashPool: HashPool
  readonly limit: OpenFilesLimit
  /** Their signal ends it. */
  readonly moves: FileMoves
  /** Told how far the work is: `checked` and `moved`. */
  readonly events: EventEmitter<TorrentEvents>
}

/** Finds the files of a torrent, ends a move that a crash has interrupted, and learns what is there. */
export async function openFiles(request: OpenRequest): Promise<OpenedFiles> {
  const { info, layers, options, paths, resume, hashPool, limit, moves, events } = request
  const map = new PieceMap(info)
  const places = await limit.briefly(() => FilePlaces.load(info, paths.places, options.folder))
  const files = new TorrentFiles(info, map, places, paths.parts, limit)
  const wasMoving = places.isMoving
  if (wasMoving) await finishMove(info, files, moves.signal, events)
  const unwanted = unwantedFiles(info, options.only)
  const states = await files.states()
  // Whoever has just made the torrent has nothing to remember.
  const remembered = options.trustFiles ? NOTHING_FOUND : await resume.load(map, info.files.length)
  const found = wasMoving ? beforeMove(remembered) : remembered
  const inParts = new Set([...unwanted].filter(file => !isOurs(file, states, found.snapshot)))
  files.inParts = inParts
  const locate = (file: number, fileOffset: number, position: number) =>
    inParts.has(file) ? { path: paths.parts, offset: position } : { path: files.path(file), offset: fileOffset }
  const target = { info, map, layers, locate }
  const opened = { files, unwanted, inParts, partsPath: paths.parts, target }
  if (!options.trustFiles) {
    const onChecked = (done: number, total: number) => events.emit('checked', done, total)
    const parts = await partsState(opened)
    const stored = await inspectFiles(target, { files: states, inParts, parts, resume: found }, hashPool, onChecked)
    files.flushLater(stored.unsure)
    return { ...opened, stored }
  }
  const have = new Bitfield(map.pieceCount)
  have.fill()
  return { ...opened, stored: { have, partial: new Map() } }
}

/** To the system a move is a change, and who was killed on the way could not note when it came. */
function beforeMove({ snapshot, journal }: FoundResume): FoundResume {
  const files = snapshot?.files.map(state => ({ ...state, changedMs: undefined }))
  return { snapshot: snapshot && files && { ...snapshot, files }, journal }
}

/** Whether a file that nobody asks for is there, and was asked for before: another of its name is its owner's. */
function isOurs(file: number, states: readonly FileState[], snapshot: ResumeSnapshot | undefined): boolean {
  return states[file].size > 0 && snapshot !== undefined && !snapshot.inParts.has(file) && snapshot.files[file].size > 0
}

/** What a snapshot says of the files, as they are now. */
export async function describeFiles(opened: OpenedFiles): Promise<Pick<ResumeSnapshot, 'files' | 'inParts' | 'parts'>> {
  const { files, inParts } = opened
  return { files: await files.states(), inParts, parts: await partsState(opened) }
}

/** How the file of parts is, where anything may be in it. */
async function partsState({ inParts, partsPath }: Pick<OpenedFiles, 'inParts' | 'partsPath'>): Promise<FileState> {
  return inParts.size > 0 ? stateOf(partsPath) : ABSENT_FILE
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
