/**
 * A folder of files, as the cores see it. Paths are relative to it, with `/` between names. Calls are synchronous: whoever uses
 * them has a thread of its own. Failures are thrown as OperationError (`disk-full`, `file-missing`, `file-error`).
 */
export interface Files {
  exists(path: string): boolean
  /** Names (not paths) in a folder, sorted; empty where there is no such folder. */
  list(path: string): string[]
  /** Creates a folder and those above it, where missing. */
  makeFolder(path: string): void
  /** Opens for reading and writing (or reading alone), creating it where `create` is set. */
  open(path: string, options?: { create?: boolean; readOnly?: boolean }): OpenFile
  /** The whole file. */
  read(path: string): Uint8Array
  /** Replaces the whole file in one step: after a crash it is either the old or the new one. */
  replace(path: string, data: Uint8Array, options?: { mode?: number }): void
  remove(path: string): void
  rename(from: string, to: string): void
}

export interface OpenFile {
  size(): number
  /** Fills `into` from `position` on; returns the bytes read, fewer only at the end of the file. */
  readAt(into: Uint8Array, position: number): number
  writeAt(data: Uint8Array, position: number): void
  truncate(size: number): void
  /** Returns once what was written is durable. */
  sync(): void
  close(): void
}
