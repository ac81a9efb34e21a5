import { toHexReversed } from '../../base/bytes/bytes.ts'
import { accept, type Rejected, reject, type Verdict } from '../../base/verdict.ts'
import type { HashedBlock } from '../consensus/check-block.ts'
import { checkTxInputs, MISSING_INPUTS } from '../consensus/check-tx-inputs.ts'
import { type HeaderSource, medianTimePast } from '../consensus/header-source.ts'
import { MAX_BLOCK_SIGOPS_COST } from '../consensus/limits.ts'
import { sequenceLocks, sequenceLocksPassed } from '../consensus/lock-times.ts'
import { blockSubsidySats } from '../consensus/subsidy.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { isMoneyRange } from '../primitives/amount.ts'
import { coinCode } from '../primitives/coin.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import { MAX_SCRIPT_SIZE } from '../script/limits.ts'
import { transactionSigOpCost } from '../script/sigops.ts'
import type { CoinsCache } from './coins-cache.ts'
import type { SpentCoins } from './spent-coins.ts'

const OP_RETURN = 0x6a

/** From this height on BIP34 no longer implies BIP30: heights in old coinbases come true. */
const BIP34_IMPLIES_BIP30_LIMIT = 1_983_702

/** What applying a block needs to know of its place in the chain. */
export interface BlockPlace {
  readonly source: HeaderSource
  /** The parent's number in `source`; the block itself need not be there. */
  readonly previous: number
  /** The block's own hash, as people write it. */
  readonly hashHex: string
  readonly params: NetworkParams
}

/** What a block that was applied came to. */
export interface AppliedBlock {
  readonly feesSats: number
  readonly sigOpsCost: number
}

/** Whether nobody can ever spend an output: such outputs are not kept. */
export function isUnspendable(bytes: Uint8Array, start: number, length: number): boolean {
  return (length > 0 && bytes[start] === OP_RETURN) || length > MAX_SCRIPT_SIZE
}

/** The outpoints of one transaction's outputs in turn, in one scratch array. */
class OutpointScratch {
  readonly bytes = new Uint8Array(36)

  setTxid(txids: Uint8Array, tx: number): void {
    for (let i = 0, at = 32 * tx; i < 32; i++) this.bytes[i] = txids[at + i]
  }

  setIndex(index: number): void {
    const b = this.bytes
    b[32] = index
    b[33] = index >>> 8
    b[34] = index >>> 16
    b[35] = index >>> 24
  }
}

const scratch = new OutpointScratch()

function addOutputs(
  coins: CoinsCache,
  txs: TxTable,
  txids: Uint8Array,
  tx: number,
  height: number,
  maybeStored: boolean,
): void {
  scratch.setTxid(txids, tx)
  const code = coinCode(height, tx === 0)
  const first = txs.outputFirst[tx]
  for (let output = first; output < txs.outputFirst[tx + 1]; output++) {
    const start = txs.outputScriptOffset[output]
    const length = txs.outputScriptLength[output]
    if (isUnspendable(txs.bytes, start, length)) continue
    scratch.setIndex(output - first)
    // BIP30: only a coinbase can ever have had an earlier twin.
    coins.add(scratch.bytes, 0, txs.outputValue(output), code, txs.bytes, start, length, maybeStored || tx === 0)
  }
}

function removeOutputs(coins: CoinsCache, txs: TxTable, txids: Uint8Array, tx: number): boolean {
  let clean = true
  scratch.setTxid(txids, tx)
  const first = txs.outputFirst[tx]
  for (let output = txs.outputFirst[tx + 1] - 1; output >= first; output--) {
    if (isUnspendable(txs.bytes, txs.outputScriptOffset[output], txs.outputScriptLength[output])) continue
    scratch.setIndex(output - first)
    if (!coins.erase(scratch.bytes, 0)) clean = false
  }
  return clean
}

function restoreInputs(
  coins: CoinsCache,
  txs: TxTable,
  spent: SpentCoins,
  first: number,
  end: number,
  maybeStored: boolean,
): void {
  for (let input = end - 1; input >= first; input--) {
    const script = spent.script(input)
    const at = txs.inputOffset[input]
    coins.add(txs.bytes, at, spent.values[input], spent.codes[input], script, 0, script.length, maybeStored)
  }
}

/**
 * Takes a block's effects back, last transaction first.
 *
 * @param maybeStored whether the coins may already stand as they will (a replay after a crash)
 * @returns whether every output was there to be removed
 */
export function revertBlock(coins: CoinsCache, block: HashedBlock, spent: SpentCoins, maybeStored = false): boolean {
  return revertTransactions(coins, block, spent, block.txs.txCount, maybeStored)
}

function revertTransactions(
  coins: CoinsCache,
  block: HashedBlock,
  spent: SpentCoins,
  count: number,
  maybeStored = false,
): boolean {
  const { txs, txids } = block
  let clean = true
  for (let tx = count - 1; tx >= 0; tx--) {
    if (!removeOutputs(coins, txs, txids, tx)) clean = false
    if (tx > 0) restoreInputs(coins, txs, spent, txs.inputFirst[tx], txs.inputFirst[tx + 1], maybeStored)
  }
  return clean
}

/** Puts a block's effects in place without asking any question, as replaying an unfinished flush needs it. */
export function replayBlock(coins: CoinsCache, block: HashedBlock, height: number): void {
  const { txs, txids } = block
  for (let tx = 0; tx < txs.txCount; tx++) {
    if (tx > 0) {
      for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) {
        coins.erase(txs.bytes, txs.inputOffset[input])
      }
    }
    addOutputs(coins, txs, txids, tx, height, true)
  }
}

/** BIP30: whether some output of the block is there unspent already. */
function overwritesCoins(coins: CoinsCache, { txs, txids }: HashedBlock): boolean {
  for (let tx = 0; tx < txs.txCount; tx++) {
    scratch.setTxid(txids, tx)
    for (let index = 0; index < txs.outputCountOf(tx); index++) {
      scratch.setIndex(index)
      if (coins.has(scratch.bytes, 0)) return true
    }
  }
  return false
}

/**
 * BIP30 and when to look. Where BIP34 holds from the first block on, every coinbase is unique by its height, and a copy of another
 * transaction lacks its inputs: the rule can only name the reason, never change the outcome, and is asked last. Elsewhere it is asked
 * first, unless BIP34's own block is an ancestor.
 */
function mustCheckBip30({ source, previous, hashHex, params }: BlockPlace): boolean {
  const height = source.height(previous) + 1
  if (params.buried.bip34 <= 1) return false
  if (params.bip30Exceptions.get(height) === hashHex) return false
  if (height >= BIP34_IMPLIES_BIP30_LIMIT) return true
  if (params.bip34Hash === undefined || height <= params.buried.bip34) return true
  return source.hashHex(source.ancestor(previous, params.buried.bip34)) !== params.bip34Hash
}

const BIP30_VIOLATION = reject('bad-txns-BIP30', 'tried to overwrite transaction')

/** A fault of one transaction, which the detail names. */
function inTransaction({ code, detail }: Rejected, { txids }: HashedBlock, tx: number): Rejected {
  const txid = toHexReversed(txids.subarray(32 * tx, 32 * tx + 32))
  return reject(code, `${detail ?? ''} in transaction ${txid}`)
}

/**
 * Applies a block to the coins: everything that connecting it checks but its scripts. What its inputs spend is recorded in
 * `spent`. On rejection the coins are as before.
 */
export function applyBlock(
  coins: CoinsCache,
  block: HashedBlock,
  spent: SpentCoins,
  place: BlockPlace,
  flags: number,
): Verdict<AppliedBlock> {
  if (mustCheckBip30(place) && overwritesCoins(coins, block)) return BIP30_VIOLATION
  const { source, previous, params } = place
  const { txs } = block
  const height = source.height(previous) + 1
  const relativeLocks = height >= params.buried.csv
  const medianTimeBefore = medianTimePast(source, previous)
  let prevouts = spent.prevouts()
  let feesSats = 0
  let sigOpsCost = 0

  const refuse = (verdict: Rejected, tx: number, spentInputs: number): Rejected => {
    const first = txs.inputFirst[tx]
    restoreInputs(coins, txs, spent, first, first + spentInputs, false)
    revertTransactions(coins, block, spent, tx)
    return params.buried.bip34 <= 1 && overwritesCoins(coins, block) ? BIP30_VIOLATION : verdict
  }

  for (let tx = 0; tx < txs.txCount; tx++) {
    const first = txs.inputFirst[tx]
    const count = txs.inputCountOf(tx)
    if (tx > 0) {
      for (let i = 0; i < count; i++) {
        if (!coins.spend(txs.bytes, txs.inputOffset[first + i], spent, first + i)) {
          return refuse(inTransaction(MISSING_INPUTS, block, tx), tx, i)
        }
      }
      const fee = checkTxInputs(txs, tx, spent.values, spent.codes, height)
      if (!fee.ok) return refuse(inTransaction(fee, block, tx), tx, count)
      feesSats += fee.value
      if (!isMoneyRange(feesSats)) {
        const detail = 'accumulated fee in the block out of range'
        return refuse(reject('bad-txns-accumulated-fee-outofrange', detail), tx, count)
      }
      if (relativeLocks && txs.version(tx) >= 2) {
        const locks = sequenceLocks(txs, tx, spent.codes, source, previous)
        if (!sequenceLocksPassed(locks, height, medianTimeBefore)) {
          return refuse(reject('bad-txns-nonfinal', 'contains a non-BIP68-final transaction'), tx, count)
        }
      }
      if (prevouts.scripts !== spent.scriptBytes) prevouts = spent.prevouts()
    }
    sigOpsCost += transactionSigOpCost(txs, tx, prevouts, flags)
    if (sigOpsCost > MAX_BLOCK_SIGOPS_COST) {
      return refuse(reject('bad-blk-sigops', 'too many sigops'), tx, tx > 0 ? count : 0)
    }
    addOutputs(coins, txs, block.txids, tx, height, false)
  }

  const limit = feesSats + blockSubsidySats(height, params)
  let claimed = 0
  for (let output = 0; output < txs.outputFirst[1]; output++) claimed += txs.outputValue(output)
  if (claimed > limit) {
    const detail = `coinbase pays too much (actual=${claimed} vs limit=${limit})`
    return refuse(reject('bad-cb-amount', detail), txs.txCount, 0)
  }
  return accept({ feesSats, sigOpsCost })
}
