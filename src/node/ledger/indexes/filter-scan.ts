import { OperationError } from '../../../base/errors.ts'
import { BLOCK_HAVE_DATA, BLOCK_HAVE_UNDO } from '../../../bitcoin/chainstate/block-status.ts'
import { basicFilterParams } from '../../../bitcoin/indexes/block-filter.ts'
import type { BlockFilterIndex } from '../../../bitcoin/indexes/block-filter-index.ts'
import { decodeGcsFilter, gcsFilterMatches } from '../../../bitcoin/indexes/gcs-filter.ts'
import type { Ledger } from '../ledger.ts'
import type { FilterScanRange, FilterScanResult, FilterScanStatus } from './index-calls.ts'
import { ScriptSet } from './script-set.ts'

/** How long filters are matched before others are let in. */
const SLICE_MS = 8

/** A search through the filters of a part of the chain; one at a time. */
export class FilterScan {
  readonly #ledger: Ledger
  #status: FilterScanStatus | undefined
  #aborted = false

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  get status(): FilterScanStatus | undefined {
    return this.#status
  }

  /** Whether there was one to be broken off. */
  abort(): boolean {
    if (this.#status === undefined) return false
    this.#aborted = true
    return true
  }

  /** Undefined where one is under way. Blocks whose filters are not there are passed over. */
  async run(
    filters: BlockFilterIndex,
    scripts: readonly Uint8Array[],
    range: FilterScanRange,
  ): Promise<FilterScanResult | undefined> {
    if (this.#status !== undefined) return undefined
    this.#status = { percent: 0, height: range.startHeight }
    this.#aborted = false
    try {
      return await this.#scan(filters, scripts, range)
    } finally {
      this.#status = undefined
    }
  }

  async #scan(
    filters: BlockFilterIndex,
    scripts: readonly Uint8Array[],
    { startHeight, stopHeight, checkBlocks }: FilterScanRange,
  ): Promise<FilterScanResult> {
    const { index } = this.#ledger.chain
    const monotonic = (): number => this.#ledger.ports.monotonic()
    const stop = this.#ledger.chain.at(stopHeight)
    const wanted = new ScriptSet(scripts)
    const blocks: Uint8Array[] = []
    let sliceEnd = monotonic() + SLICE_MS
    let height = startHeight
    for (; height <= stopHeight; height++) {
      if (monotonic() >= sliceEnd) {
        const share = (height - startHeight) / (stopHeight - startHeight)
        this.#status = { percent: Math.floor(100 * share), height }
        await this.#ledger.breathe()
        sliceEnd = monotonic() + SLICE_MS
      }
      if (this.#aborted || this.#ledger.isClosing) break
      const id = index.ancestor(stop, height)
      if (!this.#matches(filters, id, scripts)) continue
      if (!checkBlocks || this.#touches(id, wanted)) blocks.push(index.hash(id).slice())
    }
    const completed = height > stopHeight
    return { completed, toHeight: completed ? stopHeight : Math.max(height - 1, startHeight), blocks }
  }

  #matches(filters: BlockFilterIndex, id: number, scripts: readonly Uint8Array[]): boolean {
    const encoded = filters.filter(id)
    const params = basicFilterParams(this.#ledger.chain.index.hash(id))
    const filter = encoded && decodeGcsFilter(params, encoded)
    return filter?.ok === true && gcsFilterMatches(filter.value, scripts)
  }

  /** Whether a block really pays to one of the scripts or spends from it. */
  #touches(id: number, wanted: ScriptSet): boolean {
    const { chain } = this.#ledger
    const { index } = chain
    const isFirst = index.height(id) === 0
    if (!index.hasStatus(id, BLOCK_HAVE_DATA) || !(isFirst || index.hasStatus(id, BLOCK_HAVE_UNDO))) {
      throw new OperationError('block-pruned', 'Block not available (pruned data)')
    }
    const block = chain.readBlock(id)
    const { txs } = block
    for (let output = 0; output < txs.outputCount; output++) if (wanted.has(txs.outputScript(output))) return true
    if (isFirst) return false
    const spent = chain.readSpent(id, block)
    for (let input = 1; input < txs.inputCount; input++) if (wanted.has(spent.script(input))) return true
    return false
  }
}
