import { toHexReversed } from '../../base/bytes/bytes.ts'
import { compactSizeLength } from '../../base/bytes/writer.ts'
import { WITNESS_SCALE_FACTOR } from '../../bitcoin/consensus/limits.ts'
import { blockSubsidySats } from '../../bitcoin/consensus/subsidy.ts'
import type { NetworkParams } from '../../bitcoin/params/network-params.ts'
import type { BlockView } from '../../bitcoin/primitives/block.ts'
import { isUnspendable } from '../../bitcoin/script/standard.ts'
import type { BlockEntry, BlockPrevouts } from '../../node/ledger/ledger-api.ts'

/** What an entry of the set of coins takes beyond the output itself: outpoint, height and coinbase mark. */
const COIN_OVERHEAD_BYTES = 36 + 4
const PERCENTILES = [0.1, 0.25, 0.5, 0.75, 0.9]

function coinBytes(scriptLength: number): number {
  return 8 + compactSizeLength(scriptLength) + scriptLength + COIN_OVERHEAD_BYTES
}

/** Least, greatest, sum and truncated median of whole numbers; all zero for none. */
class Distribution {
  readonly #values: number[] = []
  sum = 0

  add(value: number): void {
    this.#values.push(value)
    this.sum += value
  }

  get min(): number {
    return this.#values.reduce((least, value) => Math.min(least, value), this.#values[0] ?? 0)
  }

  /** Zero if every value is below it, as counts and fees never are. */
  get max(): number {
    return this.#values.reduce((greatest, value) => Math.max(greatest, value), 0)
  }

  get average(): number {
    return this.#values.length === 0 ? 0 : Math.trunc(this.sum / this.#values.length)
  }

  get median(): number {
    const sorted = this.#values.toSorted((a, b) => a - b)
    const middle = sorted.length >> 1
    if (sorted.length === 0) return 0
    return sorted.length % 2 === 1 ? sorted[middle] : Math.trunc((sorted[middle - 1] + sorted[middle]) / 2)
  }
}

interface Feerate {
  readonly rate: number
  readonly weight: number
}

/** Feerates below which the given shares of the weight lie. */
function percentilesByWeight(feerates: readonly Feerate[], totalWeight: number): number[] {
  const sorted = feerates.toSorted((a, b) => a.rate - b.rate || a.weight - b.weight)
  const rates: number[] = []
  let weight = 0
  for (const feerate of sorted) {
    weight += feerate.weight
    while (rates.length < PERCENTILES.length && weight >= totalWeight * PERCENTILES[rates.length])
      rates.push(feerate.rate)
  }
  const last = sorted.at(-1)?.rate ?? 0
  while (rates.length < PERCENTILES.length) rates.push(last)
  return rates
}

/** BIP30: the coins of these blocks' coinbases overwrote older ones, and so added nothing to the set. */
function addsNoCoins(entry: BlockEntry, params: NetworkParams): boolean {
  return entry.height === 0 || params.bip30Exceptions.get(entry.height) === toHexReversed(entry.hash)
}

/** All values of `getblockstats`, in its order. `prevouts` may be missing for the genesis block alone. */
export function blockStats(
  block: BlockView,
  entry: BlockEntry,
  prevouts: BlockPrevouts | undefined,
  params: NetworkParams,
) {
  const { txs } = block
  const fees = new Distribution()
  const rates = new Distribution()
  const sizes = new Distribution()
  const feerates: Feerate[] = []
  let [totalOut, totalWeight] = [0, 0]
  let [witnessTxs, witnessSize, witnessWeight] = [0, 0, 0]
  let [coins, bytesIncrease, coinBytesIncrease] = [0, 0, 0]

  for (let tx = 0; tx < txs.txCount; tx++) {
    const isCoinbase = tx === 0
    let out = 0
    for (let o = txs.outputFirst[tx]; o < txs.outputFirst[tx + 1]; o++) {
      out += txs.outputValue(o)
      const bytes = coinBytes(txs.outputScriptLength[o])
      bytesIncrease += bytes
      if ((isCoinbase && addsNoCoins(entry, params)) || isUnspendable(txs.outputScript(o))) continue
      coins++
      coinBytesIncrease += bytes
    }
    if (isCoinbase) continue
    totalOut += out

    const size = txs.totalSize(tx)
    const weight = txs.weight(tx)
    sizes.add(size)
    totalWeight += weight
    if (txs.hasWitness(tx)) {
      witnessTxs++
      witnessSize += size
      witnessWeight += weight
    }

    let fee = -out
    for (let i = txs.inputFirst[tx]; i < txs.inputFirst[tx + 1]; i++) {
      fee += prevouts!.values[i]
      const bytes = coinBytes(prevouts!.scriptLength[i])
      bytesIncrease -= bytes
      coinBytesIncrease -= bytes
    }
    const rate = Math.trunc((fee * WITNESS_SCALE_FACTOR) / weight)
    fees.add(fee)
    rates.add(rate)
    feerates.push({ rate, weight })
  }

  const inputs = txs.inputCount - txs.inputCountOf(0)
  return {
    avgfee: fees.average,
    avgfeerate: totalWeight === 0 ? 0 : Math.trunc((fees.sum * WITNESS_SCALE_FACTOR) / totalWeight),
    avgtxsize: sizes.average,
    blockhash: toHexReversed(entry.hash),
    feerate_percentiles: percentilesByWeight(feerates, totalWeight),
    height: entry.height,
    ins: inputs,
    maxfee: fees.max,
    maxfeerate: rates.max,
    maxtxsize: sizes.max,
    medianfee: fees.median,
    mediantime: entry.medianTime,
    mediantxsize: sizes.median,
    minfee: fees.min,
    minfeerate: rates.min,
    mintxsize: sizes.min,
    outs: txs.outputCount,
    subsidy: blockSubsidySats(entry.height, params),
    swtotal_size: witnessSize,
    swtotal_weight: witnessWeight,
    swtxs: witnessTxs,
    time: entry.header.time,
    total_out: totalOut,
    total_size: sizes.sum,
    total_weight: totalWeight,
    totalfee: fees.sum,
    txs: txs.txCount,
    utxo_increase: txs.outputCount - inputs,
    utxo_size_inc: bytesIncrease,
    utxo_increase_actual: coins - inputs,
    utxo_size_inc_actual: coinBytesIncrease,
  }
}
