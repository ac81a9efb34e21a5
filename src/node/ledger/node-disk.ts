import { join } from 'node:path'
import { openLevelStore } from '../../platform/level-store.ts'
import { NodeFiles } from '../../platform/node-files.ts'
import type { Log } from '../log.ts'
import type { LedgerDisk } from './ledger-disk.ts'

/** A ledger's place on the real disk. */
export function nodeDisk({ folder, blocksFolder }: { folder: string; blocksFolder: string }, log: Log): LedgerDisk {
  return {
    blocks: new NodeFiles(blocksFolder),
    folder: path => new NodeFiles(join(folder, path)),
    openStore: (path, options) => {
      log.info(`Opening LevelDB in ${join(folder, path)}`)
      return openLevelStore(join(folder, path), options)
    },
  }
}
