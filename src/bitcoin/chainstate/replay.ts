import { OperationError } from '../../base/errors.ts'
import { replayBlock, revertBlock } from './apply-block.ts'
import type { Chainstate } from './chainstate.ts'
import type { CoinsPosition } from './coins-store.ts'

/**
 * Where the coins stand, as a number of the index; -1 for an empty store. A flush that was cut off is finished first: every
 * change between its two blocks is made again, which is harmless for those that had been made already.
 *
 * Throws OperationError `chainstate-damaged` where the store names a block that the index does not know.
 */
export function mendCoins(chain: Chainstate, position: CoinsPosition): number {
  const { index, coins } = chain
  const numberOf = (hash: Uint8Array): number => {
    const id = index.find(hash)
    if (id >= 0) return id
    throw new OperationError('chainstate-damaged', 'The coins belong to a block that the block index does not know', {
      next: 'start again with -reindex-chainstate, which rebuilds the coins from the block files',
    })
  }
  if (position.between === undefined) return position.best === undefined ? -1 : numberOf(position.best)

  const to = numberOf(position.between.to)
  const fromStart = position.between.from.every(byte => byte === 0)
  const from = fromStart ? -1 : numberOf(position.between.from)
  const fork = from < 0 ? -1 : index.fork(from, to)
  for (let at = from; at !== fork; at = index.previous(at)) {
    const block = chain.readBlock(at)
    revertBlock(coins, block, chain.readSpent(at, block), true)
  }
  const first = fork < 0 ? 1 : index.height(fork) + 1
  for (let height = first; height <= index.height(to); height++) {
    replayBlock(coins, chain.readBlock(index.ancestor(to, height)), height)
  }
  return to
}
