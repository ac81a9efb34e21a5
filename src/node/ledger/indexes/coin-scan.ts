import { compareBytes } from '../../../base/bytes/bytes.ts'
import type { StoredCoin } from '../../../bitcoin/chainstate/coins-store.ts'
import type { Ledger } from '../ledger.ts'
import type { CoinScanResult } from './index-calls.ts'
import { ScriptSet } from './script-set.ts'

/** A search through all coins, as they were when it began; one at a time. */
export class CoinScan {
  readonly #ledger: Ledger
  #percent: number | undefined
  #aborted = false

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** Percent done; undefined where none is under way. */
  get percent(): number | undefined {
    return this.#percent
  }

  /** Whether there was one to be broken off. */
  abort(): boolean {
    if (this.#percent === undefined) return false
    this.#aborted = true
    return true
  }

  /** Undefined where one is under way. */
  async run(scripts: readonly Uint8Array[]): Promise<CoinScanResult | undefined> {
    if (this.#percent !== undefined) return undefined
    this.#percent = 0
    this.#aborted = false
    try {
      return await this.#scan(new ScriptSet(scripts))
    } finally {
      this.#percent = undefined
    }
  }

  async #scan(wanted: ScriptSet): Promise<CoinScanResult> {
    const { chain, coinsStore, exclusive } = this.#ledger
    const { tip, batches, first } = await exclusive.run(async () => {
      chain.settle()
      await this.#ledger.flush({ sync: false })
      // An iteration sees the store as it was at its first step: from then on the ledger may go on.
      const batches = coinsStore.coins()
      return { tip: chain.tip, batches, first: await batches.next() }
    })
    let txouts = 0
    const found: StoredCoin[] = []
    let { value: batch, done } = first
    while (!done && !this.#aborted && !this.#ledger.isClosing) {
      for (const stored of batch as readonly StoredCoin[]) {
        txouts++
        if (wanted.has(stored.coin.script)) found.push(stored)
      }
      const last = (batch as readonly StoredCoin[]).at(-1)
      if (last !== undefined) this.#percent = Math.round(((256 * last.txid[0] + last.txid[1]) * 100) / 65536)
      await this.#ledger.breathe()
      ;({ value: batch, done } = await batches.next())
    }
    await batches.return(undefined)
    const { index } = chain
    found.sort((a, b) => compareBytes(a.txid, b.txid) || a.index - b.index)
    return {
      completed: done === true,
      txouts,
      height: index.height(tip),
      bestBlock: index.hash(tip).slice(),
      coins: found.map(({ txid, index: output, coin }) => {
        const blockHash = index.hash(index.ancestor(tip, coin.height)).slice()
        // Views of a whole batch would cross threads with all of it.
        return { txid: txid.slice(), index: output, coin: { ...coin, script: coin.script.slice() }, blockHash }
      }),
    }
  }
}
