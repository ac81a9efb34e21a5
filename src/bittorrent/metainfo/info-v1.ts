import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { asDict, bytesField, integerField, listField } from '../bencode/fields.ts'
import type { BencodeDict, BencodeValue } from '../bencode/value.ts'
import { isStorablePath, PATH_DEPTH_MAX, PathRegister, safePath } from './safe-path.ts'
import { type InfoContext, type ListedFiles, TORRENT_LIMITS, type TorrentFile } from './torrent-file.ts'

/** BEP 47: the letters of `attr`. */
export function readAttributes(entry: BencodeDict): {
  padding: boolean
  executable: boolean
  hidden: boolean
  isSymlink: boolean
} {
  let letters = ''
  for (const byte of bytesField(entry, 'attr') ?? []) letters += String.fromCharCode(byte)
  return {
    padding: letters.includes('p'),
    executable: letters.includes('x'),
    hidden: letters.includes('h'),
    isSymlink: letters.includes('l'),
  }
}

function byteStrings(values: readonly BencodeValue[] | undefined): Uint8Array[] | undefined {
  if (values === undefined || values.length > PATH_DEPTH_MAX) return undefined
  return values.every(value => value instanceof Uint8Array) ? (values as Uint8Array[]) : undefined
}

/** The target of a link, from the torrent's own folder down; `undefined` where there is none that makes sense. */
export function readSymlink(entry: BencodeDict): string[] | undefined {
  const target = byteStrings(listField(entry, 'symlink path'))
  return target === undefined || target.length === 0 ? undefined : safePath(target)
}

/** Clients write padding under many names; one that pads without saying so is known by these. */
function looksLikePadding(path: readonly Uint8Array[]): boolean {
  const last = path[path.length - 1]
  const prefix = '_____padding_file_'
  if (last === undefined || last.length < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (last[i] !== prefix.charCodeAt(i)) return false
  return true
}

function readEntry(
  value: BencodeValue,
  offset: number,
  context: InfoContext,
  register: PathRegister,
): Verdict<TorrentFile> {
  const entry = asDict(value)
  if (entry === undefined) return reject('torrent-file-invalid')
  const { padding, executable, hidden, isSymlink } = readAttributes(entry)
  const length = isSymlink ? 0 : integerField(entry, 'length')
  if (length === undefined || length < 0 || length > TORRENT_LIMITS.totalSizeMax) {
    return reject('torrent-file-length-invalid')
  }
  const rawPath = byteStrings(listField(entry, 'path.utf-8') ?? listField(entry, 'path'))
  if (padding || (rawPath !== undefined && looksLikePadding(rawPath))) {
    return accept({ path: [], length, offset, padding: true, executable: false, hidden: true })
  }
  if (rawPath === undefined || rawPath.length === 0) return reject('torrent-path-invalid')
  const path = register.claim([context.name, ...safePath(rawPath)])
  if (!isStorablePath(path)) return reject('torrent-path-too-long')
  if (!isSymlink) return accept({ path, length, offset, padding, executable, hidden })
  const symlink = readSymlink(entry)
  if (symlink === undefined) return reject('torrent-symlink-invalid')
  return accept({ path, length, offset, padding, executable, hidden, symlink })
}

/** The files as v1 lists them (BEP 3: `length` for one, `files` for a folder). */
export function readFilesV1(context: InfoContext): Verdict<ListedFiles> {
  const { info, name } = context
  const list = listField(info, 'files')
  if (list === undefined) {
    const length = integerField(info, 'length')
    if (length === undefined || length < 0 || length > TORRENT_LIMITS.totalSizeMax) {
      return reject('torrent-length-invalid')
    }
    const { executable, hidden } = readAttributes(info)
    const file: TorrentFile = { path: [name], length, offset: 0, padding: false, executable, hidden }
    return accept({ files: [file], totalSize: length, singleFile: true })
  }
  if (list.length === 0) return reject('torrent-no-files')
  if (list.length > TORRENT_LIMITS.fileCountMax) return reject('torrent-too-many-files')
  const register = new PathRegister()
  const files: TorrentFile[] = []
  let offset = 0
  for (const value of list) {
    const file = readEntry(value, offset, context, register)
    if (!file.ok) return file
    files.push(file.value)
    offset += file.value.length
    if (offset > TORRENT_LIMITS.totalSizeMax) return reject('torrent-too-large')
  }
  return accept({ files, totalSize: offset, singleFile: false })
}
