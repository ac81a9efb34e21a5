import type { Files } from '../../base/ports/files.ts'
import type { Store } from '../../base/ports/store.ts'

/** How a store is to be opened. */
export interface OpenStoreOptions {
  readonly cacheBytes: number
  /** What the store holds, for error messages, and the command that mends it. */
  readonly name: string
  readonly mend: string
}

/** Where a ledger lies. */
export interface LedgerDisk {
  /** The block files. */
  readonly blocks: Files
  /** The network's data folder, or one inside it, which need not be there yet. */
  folder(path: string): Files
  /** Opens, or begins, the store in a folder. */
  openStore(path: string, options: OpenStoreOptions): Promise<Store>
}
