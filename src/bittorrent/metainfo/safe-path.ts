import { lenientUtf8 } from '../../base/bytes/lenient-utf8.ts'
import { utf8 } from '../../base/bytes/utf8.ts'

/** Names longer than this many bytes are cut; file systems allow 255. */
export const PATH_ELEMENT_BYTES_MAX = 240
/** An extension of at most this many bytes survives the cut. */
const EXTENSION_BYTES_MAX = 10
/** A path of more elements than this is refused. */
export const PATH_DEPTH_MAX = 100

/** Separators, control characters, and marks that turn the direction of writing (they make `gpj.exe` look like `exe.jpg`). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is there to find
const FORBIDDEN = /[/\\\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Device names of Windows, with or without an extension. */
const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i

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
  if (utf8(name).length <= PATH_ELEMENT_BYTES_MAX) return name
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
  let name = lenientUtf8(bytes).replace(FORBIDDEN, '')
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

/** Two paths with the same key are one file on some file system: letters' case and composition do not count. */
function collisionKey(path: readonly string[]): string {
  return path.join('/').normalize('NFC').toLowerCase()
}

function numbered(path: readonly string[], number: number): string[] {
  const name = path[path.length - 1]
  const dot = name.lastIndexOf('.')
  const renamed = dot > 0 ? `${name.slice(0, dot)}.${number}${name.slice(dot)}` : `${name}.${number}`
  return [...path.slice(0, -1), renamed]
}

/**
 * Hands out paths of which no two collide, and none of which is a folder of another: later comers get a number
 * (`a.txt`, `a.1.txt`).
 */
export class PathRegister {
  readonly #files = new Set<string>()
  readonly #folders = new Set<string>()
  readonly #nextNumber = new Map<string, number>()

  /** Takes `path`, or the nearest free one. */
  claim(path: readonly string[]): string[] {
    const parents = this.#freeParents(path)
    const wanted = [...parents, path[path.length - 1]]
    const wantedKey = collisionKey(wanted)
    let free = wanted
    let number = this.#nextNumber.get(wantedKey) ?? 0
    while (this.#isTaken(free)) free = numbered(wanted, ++number)
    if (number > 0) this.#nextNumber.set(wantedKey, number)
    this.#files.add(collisionKey(free))
    for (let i = 1; i < free.length; i++) this.#folders.add(collisionKey(free.slice(0, i)))
    return free
  }

  #isTaken(path: readonly string[]): boolean {
    const key = collisionKey(path)
    return this.#files.has(key) || this.#folders.has(key)
  }

  /** The folders of `path`, each renamed where a file already bears its name. */
  #freeParents(path: readonly string[]): string[] {
    const parents: string[] = []
    for (let i = 0; i < path.length - 1; i++) {
      let candidate = [...parents, path[i]]
      for (let number = 1; this.#files.has(collisionKey(candidate)); number++) {
        candidate = numbered([...parents, path[i]], number)
      }
      parents.push(candidate[i])
    }
    return parents
  }
}
