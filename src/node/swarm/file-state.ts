import { stat } from 'node:fs/promises'
import type { FileState } from '../../bittorrent/storage/resume-data.ts'

export const ABSENT_FILE: FileState = { size: 0, modifiedMs: 0 }

/** How a file is now; {@link ABSENT_FILE} where there is none. */
export async function stateOf(path: string): Promise<FileState> {
  try {
    const { size, mtimeMs } = await stat(path)
    return { size, modifiedMs: Math.floor(mtimeMs) }
  } catch {
    return ABSENT_FILE
  }
}
