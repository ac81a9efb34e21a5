import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, rename, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import { syncFolder } from './durable-file.ts'
import { openPatiently } from './open-patiently.ts'
import { readFully, writeFully } from './positioned-io.ts'

/** Copied at once. */
const COPY_BYTES = 1024 * 1024
/** What is zero throughout stays a hole. */
const HOLE_BYTES = 64 * 1024

const ZEROS = Buffer.alloc(HOLE_BYTES)

/** What a file's move needs of those who use the file meanwhile. */
export interface MoveGate {
  /** Returns once nobody writes to the file; those who want to, wait. */
  holdWrites(): Promise<void>
  /** Returns once nobody reads it either, and it is closed. */
  holdAll(): Promise<void>
  /** Makes the folders above its new place. */
  makeFolders(): Promise<void>
  /** It is at its new place from now on. */
  switched(): Promise<void>
}

export function statOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(error => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
}

export function pathExists(path: string): OperationError {
  return new OperationError('path-exists', `${path} exists`, { next: 'move it away, or choose another place' })
}

/** One file's move. */
export interface FileMove {
  readonly from: string
  readonly to: string
  /** Where a copy grows, in the folder of `to`. */
  readonly temporary: string
  readonly signal: AbortSignal
  /** Whether it goes on after a crash: what is at `to` alone may have moved there before. */
  readonly isResumed: boolean
}

/**
 * Moves one file, so that at every instant it is whole at one of the two places at least; across file systems it is copied, made
 * durable, renamed into place, and only then removed. May be called again after a crash in between.
 */
export async function moveFile(move: FileMove, gate: MoveGate): Promise<void> {
  const { from, to, temporary, signal, isResumed } = move
  await gate.holdWrites()
  const [source, target] = [await statOf(from), await statOf(to)]
  if (source === undefined) {
    // It has moved before a crash, or was never there: then what is at its new place is somebody else's, and would be written over.
    if (target !== undefined && !isResumed) throw pathExists(to)
    await gate.holdAll()
    await gate.switched()
    return
  }
  if (!source.isFile()) throw new OperationError('file-error', `${from} is not a file`)
  if (target !== undefined) {
    // Copied before a crash, and not yet removed; anything else belongs to somebody else.
    if (!isCopyOf(target, source)) throw pathExists(to)
    await gate.holdAll()
  } else {
    await gate.makeFolders()
    if ((await lstat(dirname(to))).dev === source.dev && (await renamed(from, to, gate))) return
    await copyFile(from, temporary, source, signal)
    await gate.holdAll()
    if ((await statOf(to)) !== undefined) throw pathExists(to)
    await rename(temporary, to)
    await syncFolder(dirname(to))
  }
  await gate.switched()
  await unlink(from)
}

/** False where the two places are not on one file system after all. */
async function renamed(from: string, to: string, gate: MoveGate): Promise<boolean> {
  await gate.holdAll()
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EXDEV') return false
    throw error
  }
  await syncFolder(dirname(to))
  await gate.switched()
  return true
}

function isCopyOf(target: Stats, source: Stats): boolean {
  return (
    target.isFile() &&
    target.size === source.size &&
    Math.floor(target.mtimeMs) === Math.floor(source.mtimeMs) &&
    (target.ino !== source.ino || target.dev !== source.dev)
  )
}

async function copyFile(from: string, to: string, source: Stats, signal: AbortSignal): Promise<void> {
  await unlink(to).catch(() => {})
  const input = await openPatiently(() => open(from, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)))
  try {
    const output = await openPatiently(() => open(to, 'wx', source.mode & 0o777))
    try {
      await copyBytes(input, output, source.size, signal)
      // Resume data knows whole milliseconds; half of one more keeps rounding from changing them.
      const modified = (Math.floor(source.mtimeMs) + 0.5) / 1000
      await output.utimes(modified, modified)
      await output.sync()
    } finally {
      await output.close()
    }
  } catch (error) {
    await unlink(to).catch(() => {})
    throw error
  } finally {
    await input.close()
  }
}

async function copyBytes(input: FileHandle, output: FileHandle, size: number, signal: AbortSignal): Promise<void> {
  await output.truncate(size)
  const buffer = Buffer.allocUnsafeSlow(COPY_BYTES)
  for (let at = 0; at < size; at += COPY_BYTES) {
    if (signal.aborted) throw new OperationError('closing', 'the move goes on at the next start')
    const chunk = buffer.subarray(0, Math.min(COPY_BYTES, size - at))
    if ((await readFully(input.fd, [chunk], at)) !== chunk.length) {
      throw new OperationError('file-changed', 'a file became shorter while it was copied')
    }
    for (let start = 0; start < chunk.length; start += HOLE_BYTES) {
      const part = chunk.subarray(start, start + HOLE_BYTES)
      if (!part.equals(ZEROS.subarray(0, part.length))) await writeFully(output.fd, [part], at + start)
    }
  }
}

/** Removes the folders of a path below `folder` that have become empty, the innermost first. */
export async function removeEmptyFolders(folder: string, path: readonly string[]): Promise<void> {
  for (let depth = path.length - 1; depth > 0; depth--) {
    try {
      await rmdir(join(folder, ...path.slice(0, depth)))
    } catch {
      return
    }
  }
}
