import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { asDict, bytesField, dictField, integerField } from '../bencode/fields.ts'
import { type BencodeDict, byteKey, keyBytes } from '../bencode/value.ts'
import { readAttributes, readSymlink } from './info-v1.ts'
import { PATH_DEPTH_MAX, PathRegister, safePath } from './safe-path.ts'
import { type InfoContext, type ListedFiles, TORRENT_LIMITS, type TorrentFile } from './torrent-file.ts'

/** A leaf of the file tree before it has a place among the pieces. */
interface TreeFile {
  readonly names: readonly string[]
  readonly entry: BencodeDict
}

/** BEP 52: walks the tree in the order of its keys; a key of no bytes holds the file that its parent names. */
function collectFiles(tree: BencodeDict, names: readonly string[], found: TreeFile[]): Verdict {
  for (const [name, value] of tree) {
    const child = asDict(value)
    if (name === '' || child === undefined) return reject('torrent-file-tree-invalid')
    const path = [...names, name]
    const entry = child.get('')
    if (entry !== undefined) {
      const file = asDict(entry)
      if (file === undefined || child.size !== 1) return reject('torrent-file-tree-invalid')
      if (found.length >= TORRENT_LIMITS.fileCountMax) return reject('torrent-too-many-files')
      found.push({ names: path, entry: file })
    } else {
      if (path.length >= PATH_DEPTH_MAX || child.size === 0) return reject('torrent-file-tree-invalid')
      const below = collectFiles(child, path, found)
      if (!below.ok) return below
    }
  }
  return accept()
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
  const file = { path, length, offset, padding, executable, hidden, ...(symlink && { symlink }) }
  if (length === 0) return accept(file)
  const piecesRoot = bytesField(entry, 'pieces root')
  if (piecesRoot?.length !== 32 || piecesRoot.every(byte => byte === 0)) return reject('torrent-root-missing')
  return accept({ ...file, piecesRoot })
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
  const found: TreeFile[] = []
  const walked = collectFiles(tree, [], found)
  if (!walked.ok) return walked

  // BEP 52: a tree of one file that bears the torrent's name is a torrent of that file, without a folder.
  const rawName = bytesField(info, 'name')
  const singleFile =
    found.length === 1 && found[0].names.length === 1 && rawName !== undefined && found[0].names[0] === byteKey(rawName)
  const register = new PathRegister()
  const files: TorrentFile[] = []
  let offset = 0
  for (const { names, entry } of found) {
    const length = integerField(entry, 'length') ?? 0
    if (length > 0) offset = padTo(files, offset, pieceLength)
    const path = register.claim(singleFile ? [name] : [name, ...safePath(names.map(keyBytes))])
    const file = readEntry(entry, path, offset)
    if (!file.ok) return file
    files.push(file.value)
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
export function mergeHybrid(v1: ListedFiles, v2: ListedFiles, pieceLength: number): Verdict<ListedFiles> {
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
    if (file.length > 0 && file.offset % pieceLength !== 0) return mismatch
    if (twin.path.join('/') !== file.path.join('/') || twin.symlink?.join('/') !== file.symlink?.join('/')) {
      return mismatch
    }
    files.push({ ...file, ...(twin.piecesRoot && { piecesRoot: twin.piecesRoot }) })
  }
  if (next !== real.length) return mismatch
  return accept({ files, totalSize: v1.totalSize, singleFile: v1.singleFile })
}
