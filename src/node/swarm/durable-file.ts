import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Returns once the names in a folder are durable. Systems that cannot open folders keep them by themselves. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/** Makes a folder and those above it. (Node's own way says of a full disk that the folder is missing.) */
export async function makeFolders(path: string): Promise<void> {
  const make = () =>
    mkdir(path).catch(error => {
      if (error.code !== 'EEXIST') throw error
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
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}
