import type { EventEmitter } from 'node:events'
import { dirname, join, resolve } from 'node:path'
import { toHex } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { freeBytes } from './disk-room.ts'
import type { FilePlaces, Places } from './file-places.ts'
import type { OpenedFiles } from './open-files.ts'
import { type FileMove, moveFile, pathExists, removeEmptyFolders, statOf } from './relocate.ts'
import { diskError, type TorrentFiles } from './torrent-files.ts'
import type { TorrentEvents } from './torrent-host.ts'

/** Told how many of the files have moved. */
type MoveEvents = EventEmitter<TorrentEvents>

/** What the system counts a file's room in. */
const SECTOR_BYTES = 512

/** The nearest folder that is there. */
async function deviceOf(path: string): Promise<number> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = await statOf(at)
    if (found !== undefined) return found.dev
  }
}

/** Refuses a move that could not end well, before anything has moved. */
async function checkMove(files: TorrentFiles, target: Places, pathAt: (file: number) => string): Promise<void> {
  const { places } = files
  const device = await deviceOf(target.folder)
  let copiedBytes = 0
  for (const file of places.storedFiles()) {
    const [from, to] = [places.path(file), pathAt(file)]
    if (from === to) continue
    // Also where nothing of it has come yet: its first byte would be written over somebody's file.
    if ((await statOf(to)) !== undefined) throw pathExists(to)
    const source = await statOf(from)
    if (source === undefined) continue
    if (source.dev !== device) copiedBytes += source.blocks * SECTOR_BYTES
  }
  const free = copiedBytes === 0 ? 0 : await freeBytes(target.folder)
  if (copiedBytes > free) {
    throw new OperationError(
      'disk-full',
      `no room in ${target.folder}: ${copiedBytes} bytes are needed, ${free} free`,
      {
        next: 'make room, or choose another folder; nothing has moved',
      },
    )
  }
}

/** Goes on where a crash has interrupted a move. */
export function finishMove(
  info: TorrentInfo,
  files: TorrentFiles,
  signal: AbortSignal,
  events: MoveEvents,
): Promise<void> {
  return moveAll(info, files, { signal, isResumed: true }, events)
}

/** Moves every file to its target, and makes that durable. */
async function moveAll(
  info: TorrentInfo,
  files: TorrentFiles,
  how: Pick<FileMove, 'signal' | 'isResumed'>,
  events: MoveEvents,
): Promise<void> {
  const { places } = files
  const stored = places.storedFiles()
  const left = new Map<string, { folder: string; path: readonly string[] }>()
  const mark = toHex((info.infohashV1 ?? info.infohashV2)!.subarray(0, 8))
  let done = 0
  for (const file of stored) {
    const from = places.placeOf(file)
    const to = places.targetOf(file)
    const paths = [join(from.folder, ...from.path), join(to.folder, ...to.path)] as const
    if (paths[0] === paths[1]) places.arrived(file)
    else {
      const temporary = join(dirname(paths[1]), `.peers-${mark}-${file}.copy`)
      try {
        await moveFile({ from: paths[0], to: paths[1], temporary, ...how }, files.gateOf(file))
      } catch (error) {
        throw diskError(error, paths[1])
      } finally {
        files.openGate(file)
      }
      left.set(dirname(paths[0]), from)
    }
    events.emit('moved', ++done, stored.length)
  }
  await places.commit()
  for (const { folder, path } of left.values()) await removeEmptyFolders(folder, path)
}

/**
 * Moves the files of a torrent while they are used. Where that fails, all of them are where they were before. Where `signal` ends it, the
 * rest moves at the next start.
 *
 * @throws OperationError `path-exists`, `disk-full`, `path-not-a-folder` or `file-error`
 */
export async function moveFiles(
  info: TorrentInfo,
  files: TorrentFiles,
  target: Places,
  signal: AbortSignal,
  events: MoveEvents,
): Promise<void> {
  const { places } = files
  const pathAt = (file: number) => join(target.folder, ...(target.names[file]?.split('/') ?? info.files[file].path))
  await checkMove(files, target, pathAt)
  await places.begin(target)
  const how = { signal, isResumed: false }
  try {
    await moveAll(info, files, how, events)
  } catch (error) {
    // It goes on at the next start.
    if (signal.aborted) throw error
    await places.turnBack()
    await moveAll(info, files, how, events)
    throw error
  }
}

/** The moves of one torrent's files: one at a time, and none any more once it is stopped. */
export class FileMoves {
  #stopper: AbortController | undefined
  #moving: Promise<void> | undefined
  #failure: OperationError | undefined

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Made when it is needed: thousands of torrents never move. */
  get #stop(): AbortController {
    this.#stopper ??= new AbortController()
    return this.#stopper
  }

  /** Why files are at both places now; `undefined` while all is well. */
  get failure(): OperationError | undefined {
    return this.#failure
  }

  /** Throws what {@link moveFiles} does, and `torrent-busy` where files are on their way already. */
  async move(
    { files, target: { info } }: OpenedFiles,
    choose: (places: FilePlaces) => Places,
    events: MoveEvents,
  ): Promise<void> {
    if (this.#moving !== undefined || files.places.isMoving) {
      throw new OperationError('torrent-busy', 'its files are on their way already', { next: 'try again later' })
    }
    const target = choose(files.places)
    this.#moving = moveFiles(info, files, target, this.signal, events)
    try {
      await this.#moving
    } catch (cause) {
      const error = diskError(cause, target.folder)
      if (files.places.isMoving) this.#failure = error
      throw error
    } finally {
      this.#moving = undefined
    }
  }

  /** Ends a move that is under way; the rest of it is left to the next start. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#moving?.catch(() => {})
  }
}
