import { join } from 'node:path'
import { openLevelStore } from '../../platform/level-store.ts'
import { NodeFiles } from '../../platform/node-files.ts'
import type { LedgerDisk } from './ledger-disk.ts'

/** A ledger's place on the real disk. */
export function nodeDisk({ folder, blocksFolder }: { folder: string; blocksFolder: string }): LedgerDisk {
  return {
    blocks: new NodeFiles(blocksFolder),
    folder: path => new NodeFiles(join(folder, path)),
    openStore: (path, options) => openLevelStore(join(folder, path), options),
  }
}
