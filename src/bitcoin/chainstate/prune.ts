import type { Files } from '../../base/ports/files.ts'
import { blockFileName } from './block-files.ts'
import { BLOCK_HAVE_DATA, BLOCK_HAVE_UNDO } from './block-status.ts'
import { type Chainstate, MIN_BLOCKS_TO_KEEP } from './chainstate.ts'

/** Room that the next blocks may need: a chunk of either kind of file. */
const HEADROOM_BYTES = (16 + 1) << 20

/**
 * Before the chain of a pruned node is rebuilt: removes what a scan of the block files cannot use, which is undo data, and all behind the
 * first file that is gone. Nothing else would ever remove it.
 */
export function removeLooseFiles(files: Files): void {
  const names = files.list('')
  let next = 0
  for (const name of names.filter(name => /^blk\d{5}\.dat$/.test(name))) {
    if (name === blockFileName(next)) next++
    else files.remove(name)
  }
  for (const name of names.filter(name => /^rev\d{5}\.dat$/.test(name))) files.remove(name)
}

/** Removes the files of a number, and notes in the index that their blocks are gone. */
function pruneFile(chain: Chainstate, file: number): void {
  const { index, files } = chain
  for (let id = 0; id < index.count; id++) {
    if (index.file(id) !== file || !index.hasStatus(id, BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO)) continue
    index.clearStatus(id, BLOCK_HAVE_DATA | BLOCK_HAVE_UNDO)
    index.setPosition(id, -1, 0)
    index.setUndoPosition(id, 0)
  }
  files.prune(file)
}

/** Files that hold nothing above `height`, oldest first. */
function filesBelow(chain: Chainstate, height: number): number[] {
  const found: number[] = []
  chain.files.info.forEach((info, file) => {
    if (info.blocks > 0 && info.heightLast <= height && file !== chain.files.current) found.push(file)
  })
  return found
}

/** The highest block that may be pruned: the last 288 always stay. */
export function pruneLimitHeight(chain: Chainstate): number {
  return chain.height - MIN_BLOCKS_TO_KEEP
}

/**
 * pruneblockchain: removes whole files up to a height; whether anything went.
 *
 * @param lockHeight the highest block that others, such as indexes, can do without
 */
export function pruneToHeight(chain: Chainstate, height: number, lockHeight = Number.POSITIVE_INFINITY): boolean {
  const files = filesBelow(chain, Math.min(height, lockHeight, pruneLimitHeight(chain)))
  for (const file of files) pruneFile(chain, file)
  if (files.length > 0) chain.tree.reviewEnds(chain.tip)
  return files.length > 0
}

/**
 * -prune=N: removes the oldest files until the rest, with some headroom, fits into the target; whether anything went.
 *
 * @param lockHeight as for {@link pruneToHeight}
 */
export function pruneToSize(chain: Chainstate, targetBytes: number, lockHeight = Number.POSITIVE_INFINITY): boolean {
  if (chain.height <= chain.params.pruneAfterHeight) return false
  let removed = false
  for (const file of filesBelow(chain, Math.min(lockHeight, pruneLimitHeight(chain)))) {
    if (chain.files.totalBytes + HEADROOM_BYTES < targetBytes) break
    pruneFile(chain, file)
    removed = true
  }
  if (removed) chain.tree.reviewEnds(chain.tip)
  return removed
}

/** The lowest height from which on all blocks up to the tip are stored. */
export function firstStoredHeight(chain: Chainstate): number {
  const { index } = chain
  let height = chain.height
  while (height > 0 && index.hasStatus(chain.at(height - 1), BLOCK_HAVE_DATA)) height--
  return height
}
