import { unlink } from 'node:fs/promises'
import { forgetPlaces } from './file-places.ts'
import type { StatePaths } from './open-files.ts'
import { forgetResume } from './resume-store.ts'

/** Removes what is remembered of a torrent that does not run; its files stay. */
export async function forgetState(paths: StatePaths): Promise<void> {
  await forgetResume(paths.resume)
  await forgetPlaces(paths.places)
  await unlink(paths.parts).catch(() => {})
}
