import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { FileState } from '../../bittorrent/storage/resume-data.ts'

export const ABSENT_FILE: FileState = { size: 0, modifiedMs: 0, changedMs: 0 }

/** How a file is now; {@link ABSENT_FILE} where there is none. */
export async function stateOf(path: string): Promise<FileState> {
  return stat(path).then(stateFrom, () => ABSENT_FILE)
}

export function stateFrom({ size, mtimeMs, ctimeMs }: Stats): FileState {
  return { size, modifiedMs: Math.floor(mtimeMs), changedMs: Math.floor(ctimeMs) }
}

/** Whether nothing was done to a file: whoever changes its bytes can put back one of its times, but not the other. */
export function isSameState(a: FileState, b: FileState): boolean {
  return a.size === b.size && a.modifiedMs === b.modifiedMs && isSameChange(a.changedMs, b.changedMs)
}

function isSameChange(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined || a === b
}
