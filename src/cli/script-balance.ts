import { equalBytes } from '../base/bytes/bytes.ts'
import type { Crypto } from '../base/crypto/backend.ts'
import { invariant } from '../base/errors.ts'
import { hashBlock } from '../bitcoin/consensus/check-block.ts'
import { parseBlock } from '../bitcoin/primitives/block.ts'
import type { Coin } from '../bitcoin/primitives/coin.ts'
import type { LedgerCalls } from '../node/ledger/ledger-api.ts'

/** Blocks that are looked at together. */
const BLOCKS_AT_ONCE = 16
/** Blocks that must lie on a coinbase, its own included, before wallets count it as spendable. */
const COINBASE_DEPTH = 101

/** What a script owns. */
export interface ScriptBalance {
  readonly spendableSats: number
  /** Mined, but too young to be spent. */
  readonly immatureSats: number
}

type Calls = Pick<LedgerCalls, 'entryAtHeight' | 'block' | 'coin'>

/** The unspent outputs of one block that pay to a script. */
async function coinsOf(ledger: Calls, crypto: Crypto, height: number, script: Uint8Array): Promise<Coin[]> {
  const entry = await ledger.entryAtHeight(height)
  const bytes = entry && (await ledger.block(entry.hash))
  if (bytes === undefined) return []
  const parsed = parseBlock(bytes)
  invariant(parsed.ok, 'a stored block cannot be read')
  const { txs, txids } = hashBlock(parsed.value, crypto)
  const coins: Coin[] = []
  for (let tx = 0; tx < txs.txCount; tx++) {
    const first = txs.outputFirst[tx]
    for (let output = first; output < txs.outputFirst[tx + 1]; output++) {
      if (!equalBytes(txs.outputScript(output), script)) continue
      const coin = await ledger.coin(txids.slice(32 * tx, 32 * tx + 32), output - first)
      if (coin !== undefined) coins.push(coin)
    }
  }
  return coins
}

/** Adds up what a script owns on the best chain, block by block; for chains that are short and whole. */
export async function scriptBalance(
  ledger: Calls,
  crypto: Crypto,
  script: Uint8Array,
  tipHeight: number,
): Promise<ScriptBalance> {
  let spendableSats = 0
  let immatureSats = 0
  for (let from = 1; from <= tipHeight; from += BLOCKS_AT_ONCE) {
    const heights = Array.from({ length: Math.min(BLOCKS_AT_ONCE, tipHeight - from + 1) }, (_, i) => from + i)
    const coins = await Promise.all(heights.map(height => coinsOf(ledger, crypto, height, script)))
    for (const { valueSats, coinbase, height } of coins.flat()) {
      if (coinbase && tipHeight - height + 1 < COINBASE_DEPTH) immatureSats += valueSats
      else spendableSats += valueSats
    }
  }
  return { spendableSats, immatureSats }
}
