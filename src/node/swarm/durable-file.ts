import { mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { openPatiently } from './open-patiently.ts'

/** Returns once the names in a folder are durable. Systems that cannot open folders keep them by themselves. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await openPatiently(() => open(folder, 'r')).catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}

/** Makes a folder and those above it; rejects where a file stands in the way. (Node's own way calls a folder missing on a full disk.) */
export async function makeFolders(path: string): Promise<void> {
  const make = () =>
    mkdir(path).catch(async error => {
      if (error.code !== 'EEXIST' || !(await isFolder(path))) throw error
    })
  try {
    await make()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolders(dirname(path))
    await make()
  }
}

/**
 * Replaces a file in one step: after a crash it holds the old bytes or the new ones, never a part. For its owner's eyes alone: what
 * somebody fetches and shares, and where it lies, is nobody else's business.
 */
export async function writeDurably(path: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = `${path}.new`
  await makeFolders(dirname(path))
  const handle = await openPatiently(() => open(temporary, 'w', 0o600))
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}
