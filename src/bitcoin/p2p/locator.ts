import { equalBytes } from '../../base/bytes/bytes.ts'
import type { BlockIndex } from '../chainstate/block-index.ts'
import type { Chainstate } from '../chainstate/chainstate.ts'

/** Blocks behind the start that stand in a locator one by one, before the steps grow. */
const DENSE_ENTRIES = 10

/**
 * Hashes of a block and of its ancestors, at distances that grow twofold, down to the genesis block: whoever gets them finds the last
 * block that it shares.
 *
 * @param block its number
 */
export function locatorOf(index: BlockIndex, block: number): Uint8Array[] {
  const hashes: Uint8Array[] = []
  let step = 1
  for (let at = block; ; ) {
    hashes.push(index.hash(at).slice())
    const height = index.height(at)
    if (height === 0) return hashes
    at = index.ancestor(at, Math.max(height - step, 0))
    if (hashes.length > DENSE_ENTRIES) step *= 2
  }
}

/** The last block of the active chain that a locator's maker has: its number, the genesis block's at the least. */
export function findFork(chain: Chainstate, hashes: readonly Uint8Array[]): number {
  const { index } = chain
  for (const hash of hashes) {
    const id = index.find(hash)
    if (id < 0) continue
    if (chain.isActive(id)) return id
    // On a branch of the active chain's future we are simply behind.
    if (index.height(id) > chain.height && index.isAncestor(chain.tip, id)) return chain.tip
  }
  return chain.at(0)
}

const ZERO_HASH = new Uint8Array(32)

/** The hash that stands for none in the messages. */
export function isZeroHash(hash: Uint8Array): boolean {
  return equalBytes(hash, ZERO_HASH)
}

export function zeroHash(): Uint8Array {
  return ZERO_HASH
}
