import type { Stats } from 'node:fs'
import { lstat, open, readdir, realpath } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import type { SourceFile } from '../../bittorrent/metainfo/create-metainfo.ts'
import type { FileState } from '../../bittorrent/storage/resume-data.ts'
import { isSameState, stateFrom } from './file-state.ts'

const FILES_MAX = 1_000_000

/** A file that a torrent is to be made of, as it was found. */
interface FoundFile extends SourceFile {
  readonly state: FileState
}

/** What a torrent is to be made of. */
export interface SourceFiles {
  /** The folder, or the single file. */
  readonly root: string
  readonly singleFile: boolean
  readonly files: readonly FoundFile[]
}

function isGone(cause: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')
}

function cannotRead(path: string, cause: unknown): OperationError {
  return new OperationError('cannot-read', `${path} cannot be read: ${(cause as Error).message}`, {
    cause,
    next: 'let this user read it, or take it elsewhere',
  })
}

/** A file that was there a moment ago. */
function changed(path: string, how: string, cause?: unknown): OperationError {
  return new OperationError('file-changed', `${path} ${how} while it was read`, {
    cause,
    next: 'try again once nothing changes it any more',
  })
}

function unreadable(path: string, cause: unknown): OperationError {
  return isGone(cause) ? changed(path, 'vanished', cause) : cannotRead(path, cause)
}

function foundFile(path: readonly string[], found: Stats): FoundFile {
  return { path, length: found.size, executable: (found.mode & 0o100) !== 0, state: stateFrom(found) }
}

/** How the file or folder is that somebody has named; throws where it is neither. */
async function statNamed(path: string): Promise<Stats> {
  const found = await lstat(path).catch(cause => {
    if (!isGone(cause)) throw cannotRead(path, cause)
    throw new OperationError('file-missing', `there is no ${path}`, {
      cause,
      next: 'name a file or folder that is there',
    })
  })
  if (found.isFile() || found.isDirectory()) return found
  if (!found.isSymbolicLink()) {
    throw new OperationError('path-not-a-file', `${path} is neither a file nor a folder`, {
      next: 'name a file or folder',
    })
  }
  // Who fetches and who gives go by one name: that of the files, not that of a link which may lead elsewhere tomorrow.
  const target = await realpath(path).catch(() => undefined)
  throw new OperationError('path-is-a-link', `${path} is a link`, {
    next: target === undefined ? 'name a file or folder' : `name what it leads to: ${target}`,
  })
}

/** Finds the regular files below a folder. Links are left out: what they lead to may be anywhere. */
async function listFiles(root: string, path: string[], found: FoundFile[]): Promise<void> {
  const folder = join(root, ...path)
  const entries = await readdir(folder, { withFileTypes: true }).catch(cause => {
    throw unreadable(folder, cause)
  })
  for (const entry of entries) {
    const entryPath = [...path, entry.name]
    if (entry.isDirectory()) await listFiles(root, entryPath, found)
    else if (entry.isFile()) found.push(foundFile(entryPath, await statFound(join(folder, entry.name))))
    if (found.length > FILES_MAX) {
      throw new OperationError('too-many-files', `${root} has more than ${FILES_MAX} files`, {
        next: 'share it in parts',
      })
    }
  }
}

function statFound(path: string): Promise<Stats> {
  return lstat(path).catch(cause => {
    throw unreadable(path, cause)
  })
}

/**
 * What a torrent of a file or folder is to be made of.
 *
 * @throws OperationError `file-missing`, `path-not-a-file`, `path-is-a-link`, `cannot-read`, `too-many-files`
 */
export async function findSourceFiles(path: string): Promise<SourceFiles> {
  const root = resolve(path)
  const found = await statNamed(root)
  if (found.isFile()) return { root, singleFile: true, files: [foundFile([basename(root)], found)] }
  const files: FoundFile[] = []
  await listFiles(root, [], files)
  return { root, singleFile: false, files }
}

/** Throws where a torrent cannot be made of what somebody has named; what is in a folder is not looked at. */
export async function assertShareable(path: string): Promise<void> {
  await statNamed(resolve(path))
}

export function pathOfSource({ root, singleFile }: SourceFiles, { path }: SourceFile): string {
  return singleFile ? root : join(root, ...path)
}

/** Throws `file-changed` where a file is not what it was when it was found: its hashes would be of no file that there ever was. */
export async function assertUnchanged(source: SourceFiles): Promise<void> {
  for (const file of source.files) {
    const path = pathOfSource(source, file)
    const found = await statFound(path)
    if (!found.isFile() || !isSameState(stateFrom(found), file.state)) throw changed(path, 'was changed')
  }
}

/** Why some of the bytes of the files did not come. */
export async function whyUnread(source: SourceFiles, paths: readonly string[]): Promise<OperationError> {
  try {
    await assertUnchanged(source)
    for (const path of paths) {
      const handle = await open(path).catch(cause => {
        throw cannotRead(path, cause)
      })
      await handle.close()
    }
  } catch (error) {
    return error as OperationError
  }
  return cannotRead(paths[0], new Error('its disk gives no bytes'))
}
