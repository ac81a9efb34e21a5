import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { OperationError } from '../base/errors.ts'

/** The user whose password is in the cookie file. */
export const COOKIE_USER = '__cookie__'
/** Name of the file in the network's data folder. */
export const COOKIE_FILE = '.cookie'

/** Who may read the cookie file, by the names of -rpccookieperms. */
export const COOKIE_MODES = { owner: 0o600, group: 0o640, all: 0o644 } as const

export type CookieReaders = keyof typeof COOKIE_MODES

/**
 * Writes a cookie file with a fresh password for {@link COOKIE_USER}, in one step, and gives the password back. Throws
 * OperationError `cookie-unwritable`.
 */
export function writeCookie(path: string, readers: CookieReaders = 'owner'): string {
  const password = randomBytes(32).toString('hex')
  const temporary = `${path}.tmp`
  try {
    rmSync(temporary, { force: true })
    writeFileSync(temporary, `${COOKIE_USER}:${password}`, { mode: 0o600, flag: 'wx' })
    chmodSync(temporary, COOKIE_MODES[readers])
    renameSync(temporary, path)
  } catch (cause) {
    throw new OperationError('cookie-unwritable', `Unable to open cookie authentication file ${path} for writing`, {
      cause,
      next: 'check the permissions of its folder, or choose another file with -rpccookiefile',
    })
  }
  return password
}

/** `user:password` from a cookie file; undefined where it cannot be read. */
export function readCookie(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').split('\n')[0]
  } catch {
    return undefined
  }
}

/** Removes a cookie file that this process wrote, unless another has replaced it since. */
export function removeCookie(path: string, password: string): void {
  if (readCookie(path) === `${COOKIE_USER}:${password}`) rmSync(path, { force: true })
}
