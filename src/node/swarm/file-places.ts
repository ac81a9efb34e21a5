import { readFile, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { utf8 } from '../../base/bytes/utf8.ts'
import { OperationError } from '../../base/errors.ts'
import { collisionKey, PATH_DEPTH_MAX, safeName } from '../../bittorrent/metainfo/safe-path.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import { writeDurably } from './durable-file.ts'
import { isTooManyOpen, openPatiently } from './open-patiently.ts'

/** Where all files of a torrent are: a folder, and names below it where they differ from the torrent's own. */
export interface Places {
  readonly folder: string
  /** By index of the file: its path from the folder down, with slashes. */
  readonly names: Readonly<Record<string, string>>
}

/** What is remembered of a torrent whose files are no longer where they were put at first. */
interface PlacesRecord extends Places {
  /** The folder that was asked for when it was added. */
  readonly given: string
  /** Where the files are on their way to. */
  readonly target?: Places
}

const RECORD_VERSION = 1

/** A path of the torrent as text, as people give it and see it. */
function pathText(path: readonly string[]): string {
  return path.join('/')
}

function readPath(text: string): string[] {
  const path = text.split('/')
  const isSafe = path.every(name => name !== '' && safeName(utf8(name)) === name)
  if (isSafe && path.length <= PATH_DEPTH_MAX) return path
  throw new OperationError('name-unsafe', `not a name that is safe on every file system: ${text}`, {
    next: 'choose a name without special characters, below the download folder',
  })
}

/** Knows where each file of a torrent is, also while they move, and after a crash in between. */
export class FilePlaces {
  readonly #info: TorrentInfo
  readonly #recordPath: string
  readonly #given: string
  #now: Places
  #target: Places | undefined
  /** Files that are at the target already. */
  readonly #moved = new Set<number>()

  private constructor(info: TorrentInfo, recordPath: string, given: string, record: PlacesRecord | undefined) {
    this.#info = info
    this.#recordPath = recordPath
    this.#given = given
    this.#now = record ?? { folder: given, names: {} }
    this.#target = record?.target
  }

  /**
   * Where the files are, as it was remembered.
   *
   * @param given the folder that was asked for: what was moved away from it, or is there, is found; otherwise it begins anew
   */
  static async load(info: TorrentInfo, recordPath: string, given: string): Promise<FilePlaces> {
    const folder = resolve(given)
    const record = readRecord(await readText(recordPath), info)
    const isOurs = record !== undefined && (record.given === folder || record.folder === folder)
    return new FilePlaces(info, recordPath, folder, isOurs ? record : undefined)
  }

  /** Whether files are on their way to somewhere else. */
  get isMoving(): boolean {
    return this.#target !== undefined
  }

  get folder(): string {
    return this.#now.folder
  }

  /** A file's folder, and its path from there down. */
  placeOf(file: number): { readonly folder: string; readonly path: readonly string[] } {
    const places = this.#moved.has(file) ? this.#target! : this.#now
    return { folder: places.folder, path: this.#pathIn(places, file) }
  }

  /** Where a file is to be. */
  targetOf(file: number): { readonly folder: string; readonly path: readonly string[] } {
    const places = this.#target ?? this.#now
    return { folder: places.folder, path: this.#pathIn(places, file) }
  }

  #pathIn({ names }: Places, file: number): readonly string[] {
    return names[file]?.split('/') ?? this.#info.files[file].path
  }

  path(file: number): string {
    const { folder, path } = this.placeOf(file)
    return join(folder, ...path)
  }

  /** A file's path from the folder down, as text. */
  name(file: number): string {
    return pathText(this.placeOf(file).path)
  }

  /** The files that are stored under names of their own. */
  storedFiles(): number[] {
    const stored: number[] = []
    for (const [index, file] of this.#info.files.entries()) {
      if (!file.padding && file.symlink === undefined) stored.push(index)
    }
    return stored
  }

  /** Places that differ by the folder. */
  inFolder(folder: string): Places {
    return { folder: resolve(folder), names: this.#now.names }
  }

  /** Places that differ by the name of a file or folder; throws OperationError where there can be no such names. */
  renamed(from: string, to: string): Places {
    const target = readPath(to)
    const isRoot = !from.includes('/')
    const [root] = from.split('/')
    if (isRoot ? target.length > 1 : target[0] !== root) {
      throw new OperationError('name-unsafe', `${to} is not in the folder of the torrent`, {
        next: 'give both paths from the torrent’s own folder on, such as album/one.flac',
      })
    }
    const names: Record<string, string> = {}
    const taken = new Map<string, boolean>()
    let found = false
    for (const file of this.storedFiles()) {
      const before = pathText(this.#pathIn(this.#now, file))
      const isMeant = before === from || before.startsWith(`${from}/`)
      const after = isMeant ? to + before.slice(from.length) : before
      if (isMeant) readPath(after)
      if (after !== pathText(this.#info.files[file].path)) names[file] = after
      found ||= isMeant
      claim(taken, after)
    }
    if (!found)
      throw new OperationError('file-unknown', `the torrent has no ${from}`, {
        next: 'see its names with: peers swarm show',
      })
    return { folder: this.#now.folder, names }
  }

  /** Notes durably that the files go to other places. */
  async begin(target: Places): Promise<void> {
    await this.#save({ ...this.#now, given: this.#given, target })
    this.#target = target
    this.#moved.clear()
  }

  /** A file is at its target. */
  arrived(file: number): void {
    this.#moved.add(file)
  }

  /** Turns round: what has arrived goes back to where it came from. */
  async turnBack(): Promise<void> {
    const [from, to] = [this.#target!, this.#now]
    await this.#save({ ...from, given: this.#given, target: to })
    const back = this.storedFiles().filter(file => !this.#moved.has(file))
    this.#now = from
    this.#target = to
    this.#moved.clear()
    for (const file of back) this.#moved.add(file)
  }

  /** All files are at their targets. */
  async commit(): Promise<void> {
    const places = this.#target!
    await this.#save({ ...places, given: this.#given })
    this.#now = places
    this.#target = undefined
    this.#moved.clear()
  }

  #save(record: PlacesRecord): Promise<void> {
    return writeDurably(this.#recordPath, `${JSON.stringify({ version: RECORD_VERSION, ...record })}\n`)
  }
}

/** Forgets where files went; they stay there. */
export async function forgetPlaces(recordPath: string): Promise<void> {
  await unlink(recordPath).catch(() => {})
}

/** Takes a path for a file; throws where another file, or a folder, has it. */
function claim(taken: Map<string, boolean>, path: string): void {
  const key = collisionKey(path)
  const collides = () =>
    new OperationError('path-exists', `${path} is taken by another file of the torrent`, {
      next: 'choose another name',
    })
  if (taken.has(key)) throw collides()
  taken.set(key, true)
  for (let slash = key.lastIndexOf('/'); slash > 0; slash = key.lastIndexOf('/', slash - 1)) {
    const folder = key.slice(0, slash)
    if (taken.get(folder) === true) throw collides()
    if (taken.has(folder)) return
    taken.set(folder, false)
  }
}

function isPlaces(value: unknown, info: TorrentInfo): value is Places {
  const { folder, names } = (value ?? {}) as Partial<Places>
  if (typeof folder !== 'string' || typeof names !== 'object' || names === null) return false
  return Object.entries(names).every(([file, name]) => {
    if (info.files[Number(file)] === undefined || typeof name !== 'string') return false
    try {
      return readPath(name).length > 0
    } catch {
      return false
    }
  })
}

/** The text of a record, if there is one. */
function readText(path: string): Promise<string> {
  return openPatiently(() => readFile(path, 'utf8')).catch(error => {
    if (isTooManyOpen(error)) throw error
    return ''
  })
}

function readRecord(text: string, info: TorrentInfo): PlacesRecord | undefined {
  try {
    const record = JSON.parse(text) as PlacesRecord & { readonly version: unknown }
    const isRight =
      record.version === RECORD_VERSION &&
      typeof record.given === 'string' &&
      isPlaces(record, info) &&
      (record.target === undefined || isPlaces(record.target, info))
    return isRight ? record : undefined
  } catch {
    return undefined
  }
}
