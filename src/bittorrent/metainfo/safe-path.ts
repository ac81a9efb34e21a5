import { concatBytes } from '../../base/bytes/bytes.ts'
import { lenientUtf8 } from '../../base/bytes/lenient-utf8.ts'
import { utf8 } from '../../base/bytes/utf8.ts'

/** Names longer than this many bytes are cut; file systems allow 255. */
export const PATH_ELEMENT_BYTES_MAX = 240
/** What file systems allow, for a name that was given a number. */
const NUMBERED_BYTES_MAX = 255
/** A dot, and a number below {@link TORRENT_LIMITS}' count of files. */
const NUMBER_BYTES_MAX = 8
/** An extension of at most this many bytes survives the cut. */
const EXTENSION_BYTES_MAX = 10
/** A path of more elements than this is refused. */
export const PATH_DEPTH_MAX = 100
/** A longer path is refused: systems take 4096 bytes, of which the folder that it is put in wants some. */
const PATH_BYTES_MAX = 3840
/** Of a longer name only the two ends are looked at: what lies between is cut anyway. */
const RAW_END_BYTES = 2048

/** Separators, control characters, and marks that turn the direction of writing (they make `gpj.exe` look like `exe.jpg`). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is there to find
const FORBIDDEN = /[/\\\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Device names of Windows, with or without an extension. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)/i

function cutToBytes(text: string, bytesMax: number): string {
  let length = 0
  let cut = ''
  for (const character of text) {
    length += utf8(character).length
    if (length > bytesMax) break
    cut += character
  }
  return cut
}

function shorten(name: string): string {
  // A unit of a string is at most three bytes.
  if (3 * name.length <= PATH_ELEMENT_BYTES_MAX || utf8(name).length <= PATH_ELEMENT_BYTES_MAX) return name
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 ? name.slice(dot) : ''
  const kept = utf8(extension).length <= EXTENSION_BYTES_MAX ? extension : ''
  return cutToBytes(name, PATH_ELEMENT_BYTES_MAX) + kept
}

/**
 * A stranger's name for one file or folder as a name that is safe on every file system; `undefined` where nothing of it is
 * left that could be a name (`.`, `..`, only separators).
 */
export function safeName(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return '_'
  const ends =
    bytes.length > 2 * RAW_END_BYTES
      ? concatBytes(bytes.subarray(0, RAW_END_BYTES), bytes.subarray(-RAW_END_BYTES))
      : bytes
  let name = lenientUtf8(ends).replace(FORBIDDEN, '')
  if (name === '' || name === '.' || name === '..') return undefined
  name = shorten(name)
  if (RESERVED.test(name)) name = `_${name}`
  // Windows drops dots and spaces at the end, so that two names would meet in one file.
  return /[. ]$/.test(name) ? `${name}_` : name
}

/** A stranger's path as safe names; never empty (`_` where nothing was left). */
export function safePath(elements: readonly Uint8Array[]): string[] {
  const path: string[] = []
  for (const element of elements) {
    const name = safeName(element)
    if (name !== undefined) path.push(name)
  }
  return path.length === 0 ? ['_'] : path
}

/** Whether a path is short enough for systems to take it. */
export function isStorablePath(path: readonly string[]): boolean {
  const units = path.reduce((sum, name) => sum + name.length + 1, 0)
  return 3 * units <= PATH_BYTES_MAX || utf8(path.join('/')).length <= PATH_BYTES_MAX
}

/**
 * Two names, or paths with slashes, with the same key are one file on some file system: case, composition and marks that nobody sees
 * do not count. (Upper case first: `ſ`, `ς` and `ß` meet their likes only there.)
 */
export function collisionKey(name: string): string {
  if (/^[ -~]*$/.test(name)) return name.toLowerCase()
  const seen = name.replace(/\p{Default_Ignorable_Code_Point}/gu, '')
  return seen.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
}

/** Where a number goes into a name: `a` and `.txt`; together with it they are no longer than a name may be. */
function splitForNumber(name: string): readonly [stem: string, extension: string] {
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 ? name.slice(dot) : ''
  const room = NUMBERED_BYTES_MAX - NUMBER_BYTES_MAX
  const kept = utf8(extension).length < room ? extension : ''
  const stem = name.slice(0, name.length - kept.length)
  return [cutToBytes(stem, room - utf8(kept).length), kept]
}

/** A folder of a torrent, by {@link collisionKey}. */
class Folder {
  readonly #entries = new Map<string, Folder | 'file'>()
  /** By the name that was asked for. */
  readonly #folders = new Map<string, readonly [name: string, folder: Folder]>()
  /** The last number given to a name; those that become the same when they are numbered count together. */
  readonly #lastNumbers = new Map<string, number>()

  /** A name for a file: `name`, or the nearest that is free. */
  addFile(name: string): string {
    const free = this.#entries.has(collisionKey(name)) ? this.#numbered(name, key => !this.#entries.has(key)) : name
    this.#entries.set(collisionKey(free), 'file')
    return free
  }

  /** The folder of this name, which is another where a file bears it. */
  folder(name: string): readonly [name: string, folder: Folder] {
    const known = this.#folders.get(name)
    if (known !== undefined) return known
    const added = this.#addFolder(name)
    this.#folders.set(name, added)
    return added
  }

  #addFolder(name: string): readonly [name: string, folder: Folder] {
    const isFree = (key: string) => this.#entries.get(key) !== 'file'
    const free = isFree(collisionKey(name)) ? name : this.#numbered(name, isFree)
    const key = collisionKey(free)
    const known = this.#entries.get(key)
    const folder = known instanceof Folder ? known : new Folder()
    this.#entries.set(key, folder)
    return [free, folder]
  }

  #numbered(name: string, isFree: (key: string) => boolean): string {
    const [stem, extension] = splitForNumber(name)
    const family = collisionKey(`${stem}/${extension}`)
    for (let number = Math.max(1, this.#lastNumbers.get(family) ?? 0); ; number++) {
      const numbered = `${stem}.${number}${extension}`
      if (!isFree(collisionKey(numbered))) continue
      this.#lastNumbers.set(family, number)
      return numbered
    }
  }
}

/**
 * Hands out paths of which no two collide, and none of which is a folder of another: later comers get a number
 * (`a.txt`, `a.1.txt`).
 */
export class PathRegister {
  readonly #root = new Folder()

  /** Takes `path`, or the nearest free one. */
  claim(path: readonly string[]): string[] {
    const claimed: string[] = []
    let folder = this.#root
    for (const element of path.slice(0, -1)) {
      const [name, next] = folder.folder(element)
      claimed.push(name)
      folder = next
    }
    claimed.push(folder.addFile(path[path.length - 1]))
    return claimed
  }
}
