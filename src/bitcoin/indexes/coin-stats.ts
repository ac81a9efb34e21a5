import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'

/**
 * What is known of all coins behind a block, and of all blocks up to it. Amounts are sums over the chain; sums of what was moved may
 * exceed what numbers hold exactly.
 */
export interface CoinStats {
  /** MuHash of the coins, 32 bytes. */
  readonly muhash: Uint8Array
  readonly txouts: number
  readonly bogoSize: number
  readonly totalAmountSats: number
  readonly subsidySats: number
  readonly prevoutSpentSats: bigint
  readonly newOutputsExCoinbaseSats: bigint
  readonly coinbaseSats: bigint
  /** What can never be spent, by why. */
  readonly unspendableGenesisSats: number
  readonly unspendableBip30Sats: number
  readonly unspendableScriptsSats: number
  readonly unclaimedRewardsSats: number
}

/** Before the first block. */
export const NO_COINS: CoinStats = {
  muhash: new Uint8Array(32),
  txouts: 0,
  bogoSize: 0,
  totalAmountSats: 0,
  subsidySats: 0,
  prevoutSpentSats: 0n,
  newOutputsExCoinbaseSats: 0n,
  coinbaseSats: 0n,
  unspendableGenesisSats: 0,
  unspendableBip30Sats: 0,
  unspendableScriptsSats: 0,
  unclaimedRewardsSats: 0,
}

/** All that nobody can ever spend. */
export function unspendableSats(stats: CoinStats): number {
  const { unspendableGenesisSats, unspendableBip30Sats, unspendableScriptsSats, unclaimedRewardsSats } = stats
  return unspendableGenesisSats + unspendableBip30Sats + unspendableScriptsSats + unclaimedRewardsSats
}

function write256(writer: ByteWriter, value: bigint): void {
  for (let shift = 0n; shift < 256n; shift += 64n) writer.u64(value >> shift)
}

function read256(reader: ByteReader): bigint {
  let value = 0n
  for (let shift = 0n; shift < 256n; shift += 64n) value |= reader.u64() << shift
  return value
}

/** Core's form of a row. */
export function encodeCoinStats(stats: CoinStats): Uint8Array {
  const writer = new ByteWriter(192).bytes(stats.muhash)
  writer.u64Number(stats.txouts).u64Number(stats.bogoSize)
  writer.u64Number(stats.totalAmountSats).u64Number(stats.subsidySats)
  write256(writer, stats.prevoutSpentSats)
  write256(writer, stats.newOutputsExCoinbaseSats)
  write256(writer, stats.coinbaseSats)
  writer.u64Number(stats.unspendableGenesisSats).u64Number(stats.unspendableBip30Sats)
  return writer.u64Number(stats.unspendableScriptsSats).u64Number(stats.unclaimedRewardsSats).finish()
}

/** Reads what {@link encodeCoinStats} wrote; undefined where it is cut off. */
export function decodeCoinStats(bytes: Uint8Array): CoinStats | undefined {
  const reader = new ByteReader(bytes)
  const number = (): number => Number(reader.u64())
  const stats: CoinStats = {
    muhash: reader.bytes(32),
    txouts: number(),
    bogoSize: number(),
    totalAmountSats: number(),
    subsidySats: number(),
    prevoutSpentSats: read256(reader),
    newOutputsExCoinbaseSats: read256(reader),
    coinbaseSats: read256(reader),
    unspendableGenesisSats: number(),
    unspendableBip30Sats: number(),
    unspendableScriptsSats: number(),
    unclaimedRewardsSats: number(),
  }
  return reader.failure === undefined ? stats : undefined
}
