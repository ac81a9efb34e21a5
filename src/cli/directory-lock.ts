import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OperationError } from '../base/errors.ts'

const LOCK_FILE = '.lock'
/** Tries to get hold of a lock that a dead process left, while others try the same. */
const ATTEMPTS_MAX = 10

interface ProcessState {
  /** The kernel's letter: Z and X are no more, and only wait for whoever started them to hear of it. */
  readonly letter: string
  /** When it began, in the kernel's own count: tells it from a later process of the same number. */
  readonly start: string
}

/** What the kernel says of a process; undefined where nobody says. */
function stateOf(pid: number): ProcessState | undefined {
  try {
    // Fields 3 and 22; the name of the program, in brackets, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
    return { letter: fields[0], start: fields[19] ?? '' }
  } catch {
    return undefined
  }
}

function isRunning(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = stateOf(pid)
  if (now === undefined) return true
  if (now.letter === 'Z' || now.letter === 'X') return false
  return now.start === '' || start === '' || now.start === start
}

/** A lock that says nothing is about to be written, or one that bitcoind has left behind. */
const BLANK_LOCK_AGE_MS = 2000

/** What a lock file says: a process, when it began, and where it answers programs of this machine if it does. */
function fieldsOf(text: string): readonly string[] {
  return text.trim().split(' ')
}

/** Whether the process that wrote a lock file still runs. */
function isHeld(text: string, path: string): boolean {
  if (text === '') return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < BLANK_LOCK_AGE_MS
  const [pid, start = ''] = fieldsOf(text)
  return /^\d+$/.test(pid) && Number(pid) > 0 && isRunning(Number(pid), start)
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function unwritable(folder: string, cause: unknown): OperationError {
  return new OperationError('folder-unwritable', `Cannot write to directory '${folder}'; check permissions.`, { cause })
}

/**
 * A folder that this process alone uses, marked by a file `.lock` with its process number. A lock left behind by a process that is no
 * more does not count. It keeps a second peer out with a clear word; the stores' own locks are what guards the data.
 */
export class DirectoryLock {
  readonly #path: string
  #text: string

  private constructor(path: string, text: string) {
    this.#path = path
    this.#text = text
  }

  /** Throws OperationError `folder-locked` or `folder-unwritable`. */
  static take(folder: string): DirectoryLock {
    const path = join(folder, LOCK_FILE)
    const text = `${process.pid} ${stateOf(process.pid)?.start ?? ''}\n`
    for (let i = 0; i < ATTEMPTS_MAX; i++) {
      try {
        const fd = openSync(path, 'wx', 0o600)
        writeSync(fd, text)
        closeSync(fd)
        return new DirectoryLock(path, text)
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
          throw unwritable(folder, cause)
        }
      }
      const found = readLock(path)
      if (found === undefined) continue
      if (isHeld(found, path)) {
        throw new OperationError(
          'folder-locked',
          `Cannot obtain a lock on directory ${folder}. Peers is probably already running.`,
        )
      }
      // Moved before it is removed: who moves it is the one to remove it.
      const aside = `${path}.${process.pid}`
      try {
        renameSync(path, aside)
      } catch {
        continue
      }
      if (readLock(aside) !== found) {
        renameSync(aside, path)
        continue
      }
      rmSync(aside, { force: true })
    }
    throw new OperationError('folder-locked', `Cannot obtain a lock on directory ${folder}. Others try the same.`)
  }

  /** The port that whoever has a folder has noted for RPC; undefined where there is none, or nobody has the folder. */
  static rpcPortOf(folder: string): number | undefined {
    const path = join(folder, LOCK_FILE)
    const text = readLock(path) ?? ''
    const port = fieldsOf(text)[2]
    return port !== undefined && /^\d{1,5}$/.test(port) && isHeld(text, path) ? Number(port) : undefined
  }

  /** Lets programs of this machine find by the folder alone where its process answers. Throws OperationError `folder-unwritable`. */
  noteRpcPort(port: number): void {
    const text = `${this.#text.slice(0, -1)} ${port}\n`
    const fresh = `${this.#path}.${process.pid}`
    try {
      writeFileSync(fresh, text, { mode: 0o600 })
      renameSync(fresh, this.#path)
    } catch (cause) {
      throw unwritable(dirname(this.#path), cause)
    }
    this.#text = text
  }

  release(): void {
    if (readLock(this.#path) === this.#text) rmSync(this.#path, { force: true })
  }
}
