import type { Crypto } from '../../base/crypto/backend.ts'
import { OperationError } from '../../base/errors.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { blockScriptFlags } from '../consensus/block-script-flags.ts'
import { checkBlock, type HashedBlock } from '../consensus/check-block.ts'
import { applyBlock, revertBlock } from './apply-block.ts'
import { BLOCK_HAVE_DATA } from './block-status.ts'
import type { Chainstate } from './chainstate.ts'
import { CoinsCache } from './coins-cache.ts'
import { SerialScriptVerifier } from './script-verifier.ts'
import { SpentCoins } from './spent-coins.ts'

/** How thoroughly: 0 reads blocks, 1 checks them, 2 reads undo data, 3 disconnects, 4 connects again. */
export interface VerifyChainOptions {
  readonly level: number
  /** How many blocks from the tip down; 0 for all. */
  readonly blocks: number
  /** Memory that disconnected coins may take; beyond it levels 3 and 4 stop. */
  readonly memoryBytesMax: number
}

/**
 * Checks the blocks below the tip against their files, undo data and coins, without changing anything. Rejects with
 * `verify-failed` and what was wrong where.
 *
 * @param pause awaited between blocks
 */
export async function verifyChain(
  chain: Chainstate,
  crypto: Crypto,
  options: VerifyChainOptions,
  pause: () => Promise<void>,
): Promise<Verdict> {
  const { index, params } = chain
  chain.settle()
  const blocks = options.blocks <= 0 ? chain.height : Math.min(options.blocks, chain.height)
  const lowest = chain.height - blocks
  const coins = new CoinsCache(chain.coins, new Int32Array(9).fill(0x9e37), options.memoryBytesMax)
  const disconnected: { id: number; block: HashedBlock }[] = []
  let deep = options.level >= 3
  for (let id = chain.tip; index.height(id) > lowest; id = index.previous(id)) {
    if (!index.hasStatus(id, BLOCK_HAVE_DATA)) break
    const at = `block ${index.hashHex(id)} at height ${index.height(id)}`
    try {
      const block = chain.readBlock(id)
      if (options.level >= 1) {
        const checked = checkBlock(block, params, crypto)
        if (!checked.ok) return reject('verify-failed', `${at}: ${checked.code}`)
      }
      if (options.level >= 2) {
        const spent = chain.readSpent(id, block)
        if (deep && coins.memoryBytes <= options.memoryBytesMax) {
          if (!revertBlock(coins, block, spent)) return reject('verify-failed', `${at}: coins and undo data differ`)
          disconnected.push({ id, block })
        } else {
          deep = false
        }
      }
    } catch (error) {
      if (error instanceof OperationError) return reject('verify-failed', error.message)
      throw error
    }
    await pause()
  }
  if (options.level < 4) return accept()
  const verifier = new SerialScriptVerifier(crypto)
  for (const { id, block } of disconnected.reverse()) {
    const hashHex = index.hashHex(id)
    const spent = new SpentCoins(block.txs.inputCount)
    const flags = blockScriptFlags(index.height(id), hashHex, params)
    const place = { source: index, previous: index.previous(id), hashHex, params }
    const applied = applyBlock(coins, block, spent, place, flags)
    if (!applied.ok) return reject('verify-failed', `block ${hashHex}: ${applied.code}`)
    if (block.txs.txCount > 1) {
      const failure = verifier.start({ txs: block.txs, prevouts: spent.prevouts(), flags }).finish()
      if (failure !== undefined) return reject('verify-failed', `block ${hashHex}: ${failure.error}`)
    }
    await pause()
  }
  return accept()
}
