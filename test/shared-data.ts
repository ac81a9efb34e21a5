import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Test data that lives beside the repository, in `../shared`, and is read in place. In continuous integration (`CI` is set) it
 * must be there; elsewhere tests that need it say that they are skipped.
 */
const root = fileURLToPath(new URL('../../shared/', import.meta.url))

/** The path of a shared file or folder; `undefined` where it is absent. Throws in CI if it is. */
export function sharedPath(...parts: string[]): string | undefined {
  const path = root + parts.join('/')
  if (existsSync(path)) return path
  if (process.env['CI']) throw new Error(`missing test data: ../shared/${parts.join('/')}`)
  return undefined
}

/** For a test's `skip` option: why it is skipped, or false where the data is there. */
export function skipWithout(...parts: string[]): string | false {
  return sharedPath(...parts) === undefined ? `no test data at ../shared/${parts.join('/')}` : false
}

/** A shared JSON file; for tests that are skipped without it. */
export function readSharedJson<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(root + parts.join('/'), 'utf8')) as T
}

/** A shared file's bytes; for tests that are skipped without it. */
export function readSharedBytes(...parts: string[]): Uint8Array {
  return new Uint8Array(readFileSync(root + parts.join('/')))
}
