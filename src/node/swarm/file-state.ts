import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { FileState } from '../../bittorrent/storage/resume-data.ts'

export const ABSENT_FILE: FileState = { size: 0, modifiedMs: 0 }

/** How a file is now; {@link ABSENT_FILE} where there is none. */
export async function stateOf(path: string): Promise<FileState> {
  return stat(path).then(stateFrom, () => ABSENT_FILE)
}

export function stateFrom({ size, mtimeMs }: Stats): FileState {
  return { size, modifiedMs: Math.floor(mtimeMs) }
}

export function isSameState(a: FileState, b: FileState): boolean {
  return a.size === b.size && a.modifiedMs === b.modifiedMs
}
