import { toHex } from '../../base/bytes/bytes.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { asDict, bytesField, dictField, integerField } from '../bencode/fields.ts'
import { type BencodeDict, byteKey, keyBytes } from '../bencode/value.ts'
import { readAttributes, readSymlink } from './info-v1.ts'
import { isStorablePath, PATH_DEPTH_MAX, PathRegister, safeName } from './safe-path.ts'
import { type InfoContext, type ListedFiles, TORRENT_LIMITS, type TorrentFile } from './torrent-file.ts'

/** A leaf of the file tree before it has a place among the pieces. */
interface TreeFile {
  /** Its names as they are safe; those of which nothing is left are missing. */
  readonly names: readonly string[]
  readonly entry: BencodeDict
}

/** BEP 52: walks the tree in the order of its keys; a key of no bytes holds the file that its parent names. */
class TreeWalk {
  readonly found: TreeFile[] = []
  #elements = 0

  collect(tree: BencodeDict, names: readonly string[], depth: number): Verdict {
    for (const [key, value] of tree) {
      const child = asDict(value)
      if (key === '' || child === undefined) return reject('torrent-file-tree-invalid')
      const name = safeName(keyBytes(key))
      const path = name === undefined ? names : [...names, name]
      const entry = child.get('')
      const walked =
        entry === undefined ? this.#collectFolder(child, path, depth) : this.#addFile(asDict(entry), child.size, path)
      if (!walked.ok) return walked
    }
    return accept()
  }

  #collectFolder(folder: BencodeDict, path: readonly string[], depth: number): Verdict {
    if (depth >= PATH_DEPTH_MAX || folder.size === 0) return reject('torrent-file-tree-invalid')
    return this.collect(folder, path, depth + 1)
  }

  #addFile(entry: BencodeDict | undefined, siblings: number, path: readonly string[]): Verdict {
    if (entry === undefined || siblings !== 1) return reject('torrent-file-tree-invalid')
    this.#elements += path.length
    if (this.found.length >= TORRENT_LIMITS.fileCountMax || this.#elements > TORRENT_LIMITS.pathElementsMax) {
      return reject('torrent-too-many-files')
    }
    this.found.push({ names: path.length === 0 ? ['_'] : path, entry })
    return accept()
  }
}

/** BEP 52: a tree of one file that bears the torrent's name is a torrent of that file, without a folder. */
function isSingleFile(tree: BencodeDict, info: BencodeDict): boolean {
  const rawName = bytesField(info, 'name')
  const only = rawName && asDict(tree.get(byteKey(rawName)))
  return tree.size === 1 && only !== undefined && only.has('')
}

function readEntry(entry: BencodeDict, path: string[], offset: number): Verdict<TorrentFile> {
  const { padding, executable, hidden, isSymlink } = readAttributes(entry)
  // BEP 52: alignment makes padding needless; a hybrid's padding stands in its v1 half alone.
  if (padding) return reject('torrent-padding-in-v2')
  const symlink = isSymlink ? readSymlink(entry) : undefined
  if (isSymlink && symlink === undefined) return reject('torrent-symlink-invalid')
  const length = isSymlink ? 0 : integerField(entry, 'length')
  if (length === undefined || length < 0 || length > TORRENT_LIMITS.totalSizeMax) {
    return reject('torrent-file-length-invalid')
  }
  const file: TorrentFile = { path, length, offset, padding, executable, hidden }
  if (symlink !== undefined) return accept({ ...file, symlink })
  if (length === 0) return accept(file)
  const piecesRoot = bytesField(entry, 'pieces root')
  if (piecesRoot?.length !== 32 || piecesRoot.every(byte => byte === 0)) return reject('torrent-root-missing')
  return accept({ path, length, offset, padding, executable, hidden, piecesRoot })
}

function padTo(files: TorrentFile[], offset: number, pieceLength: number): number {
  const length = (pieceLength - (offset % pieceLength)) % pieceLength
  if (length > 0) files.push({ path: [], length, offset, padding: true, executable: false, hidden: true })
  return offset + length
}

/** The files as v2 lists them, each at a piece of its own. */
export function readFilesV2(context: InfoContext): Verdict<ListedFiles> {
  const { info, name, pieceLength } = context
  const tree = dictField(info, 'file tree')
  if (tree === undefined || tree.size === 0) return reject('torrent-no-files')
  const walk = new TreeWalk()
  const walked = walk.collect(tree, [], 1)
  if (!walked.ok) return walked
  const singleFile = isSingleFile(tree, info)
  const register = new PathRegister()
  /** Lengths by root: a tree of merkle hashes belongs to one length. */
  const lengths = new Map<string, number>()
  const files: TorrentFile[] = []
  let offset = 0
  for (const { names, entry } of walk.found) {
    const length = integerField(entry, 'length') ?? 0
    if (length > 0) offset = padTo(files, offset, pieceLength)
    const path = register.claim(singleFile ? [name] : [name, ...names])
    if (!isStorablePath(path)) return reject('torrent-path-too-long')
    const file = readEntry(entry, path, offset)
    if (!file.ok) return file
    files.push(file.value)
    if (file.value.piecesRoot !== undefined) {
      const root = toHex(file.value.piecesRoot)
      if (lengths.has(root) && lengths.get(root) !== length) return reject('torrent-root-of-two-lengths')
      lengths.set(root, length)
    }
    offset += file.value.length
    if (offset > TORRENT_LIMITS.totalSizeMax) return reject('torrent-too-large')
  }
  const totalSize = padTo(files, offset, pieceLength)
  return accept({ files, totalSize, singleFile })
}

/**
 * A hybrid's two halves as one: v1's files, padding included, with the roots of v2. Both must describe the same files at
 * the same places (BEP 52: else the torrent must be refused).
 */
export function mergeHybrid(v1: ListedFiles, v2: ListedFiles): Verdict<ListedFiles> {
  const mismatch = reject('torrent-hybrid-mismatch', 'the v1 and v2 files differ')
  const real = v2.files.filter(file => !file.padding)
  const files: TorrentFile[] = []
  let next = 0
  for (const file of v1.files) {
    if (file.padding) {
      files.push(file)
      continue
    }
    const twin = real[next++]
    if (twin === undefined || twin.length !== file.length) return mismatch
    if (file.length > 0 && file.offset !== twin.offset) return mismatch
    if (twin.path.join('/') !== file.path.join('/') || twin.symlink?.join('/') !== file.symlink?.join('/')) {
      return mismatch
    }
    files.push({ ...file, ...(twin.piecesRoot && { piecesRoot: twin.piecesRoot }) })
  }
  if (next !== real.length) return mismatch
  return accept({ files, totalSize: v1.totalSize, singleFile: v1.singleFile })
}
