import { toHexReversed } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { HashBackend } from '../../base/crypto/backend.ts'
import { type Sha256Stream, sha256, sha256Stream } from '../../base/crypto/hash.ts'
import { MuHash } from '../../base/crypto/muhash.ts'
import { coinCode } from '../primitives/coin.ts'
import type { StoredCoin } from './coins-store.ts'

/** Which hash over all coins is wanted. */
export type UtxoHashType = 'hash_serialized_3' | 'muhash' | 'none'

/** Sums over all coins, as gettxoutsetinfo reports them. */
export interface UtxoSetTotals {
  readonly txouts: number
  readonly bogoSize: number
  readonly totalAmountSats: number
  readonly transactions: number
  /** As people write it; undefined for `none`. */
  readonly hash: string | undefined
}

/** A measure of size that does not depend on how coins are stored: 50 bytes and the script. */
function bogoSizeOf(script: Uint8Array): number {
  return 50 + script.length
}

/** One coin in the form that both hashes take. */
export function serializeCoin({ txid, index, coin }: StoredCoin): Uint8Array {
  return new ByteWriter(64 + coin.script.length)
    .bytes(txid)
    .u32(index)
    .u32(coinCode(coin.height, coin.coinbase))
    .u64(BigInt(coin.valueSats))
    .sizedBytes(coin.script)
    .finish()
}

function sameTxid(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < 32; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * Goes through all coins, which must come in the order of their txids and, within one, of their indexes.
 *
 * @param pause awaited between batches
 */
export async function utxoSetTotals(
  batches: AsyncIterable<readonly StoredCoin[]>,
  hashType: UtxoHashType,
  crypto: HashBackend,
  pause: () => Promise<void>,
): Promise<UtxoSetTotals> {
  const serial: Sha256Stream | undefined = hashType === 'hash_serialized_3' ? sha256Stream() : undefined
  const muhash = hashType === 'muhash' ? new MuHash(crypto) : undefined
  let txouts = 0
  let bogoSize = 0
  let totalAmountSats = 0
  let transactions = 0
  let last = new Uint8Array(32).fill(0xff)
  for await (const batch of batches) {
    for (const stored of batch) {
      if (transactions === 0 || !sameTxid(stored.txid, last)) {
        transactions++
        last = stored.txid.slice()
      }
      txouts++
      bogoSize += bogoSizeOf(stored.coin.script)
      totalAmountSats += stored.coin.valueSats
      if (hashType !== 'none') {
        const bytes = serializeCoin(stored)
        serial?.update(bytes)
        muhash?.insert(bytes)
      }
    }
    await pause()
  }
  const digest = serial ? sha256(serial.digest()) : muhash?.digest()
  return { txouts, bogoSize, totalAmountSats, transactions, hash: digest && toHexReversed(digest) }
}
