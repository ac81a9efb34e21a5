import type { ChainEvent, Chainstate } from '../../bitcoin/chainstate/chainstate.ts'
import type { Log } from '../log.ts'

/** Seconds since 1970 as `2026-01-31T12:00:00Z`. */
export function isoDate(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '')
}

/** Writes what happens to the chain to the log, in the words that bitcoind's tests and log readers look for. */
export class ChainLog {
  readonly #chain: Chainstate
  readonly #log: Log
  #lastScriptReason: string | undefined

  constructor(chain: Chainstate, log: Log) {
    this.#chain = chain
    this.#log = log
  }

  connected(event: ChainEvent & { type: 'connected' }, progress: number): void {
    // The genesis block is not applied, so nothing of it is ever checked.
    if (this.#chain.index.height(event.id) > 0) this.#scripts(event.id, event.scriptCheckReason)
    this.#log.infoUnlimited(this.#updateTipLine(event.id, progress))
  }

  rejected({ id, verdict }: ChainEvent & { type: 'rejected' }): void {
    const { index } = this.#chain
    this.#log.info(`Block validation error: ${verdict.code}${verdict.detail ? `, ${verdict.detail}` : ''}`)
    this.#log.info(`InvalidChainFound: invalid block=${index.hashHex(id)} height=${index.height(id)}`)
  }

  /** Says when checking of scripts begins or ends, and why. */
  #scripts(id: number, reason = ''): void {
    if (reason === this.#lastScriptReason) return
    this.#lastScriptReason = reason
    const { index } = this.#chain
    const block = `block #${index.height(id)} (${index.hashHex(id)})`
    this.#log.info(
      reason === ''
        ? `Disabling script verification at ${block}.`
        : `Enabling script verification at ${block}: ${reason}.`,
    )
  }

  #updateTipLine(id: number, progress: number): string {
    const { index, coins } = this.#chain
    const work = Math.log2(Number(index.work(id))).toFixed(6)
    const version = `0x${(index.version(id) >>> 0).toString(16).padStart(8, '0')}`
    const cache = `${(coins.memoryBytes / (1 << 20)).toFixed(1)}MiB(${coins.size}txo)`
    return (
      `UpdateTip: new best=${index.hashHex(id)} height=${index.height(id)} version=${version} log2_work=${work} ` +
      `tx=${index.chainTxCount(id)} date='${isoDate(index.time(id))}' progress=${progress.toFixed(6)} cache=${cache}`
    )
  }
}
