import { toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { difficulty, expandCompact } from '../../bitcoin/consensus/proof-of-work.ts'
import type { BlockView } from '../../bitcoin/primitives/block.ts'
import type { BlockEntry, BlockPrevouts } from '../../node/ledger/ledger-api.ts'
import type { RpcContext } from '../context.ts'
import { type Json, jsonFloat } from '../json/json-value.ts'
import { transactionJson } from './transaction-json.ts'

/** How long answers are put together before other work gets its turn. */
const SLICE_MS = 8

export function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}

/** A number of 256 bits as 64 hex digits. */
export function hex256(value: bigint): string {
  return value.toString(16).padStart(64, '0')
}

/** Bits as answers show them: compact form, target and difficulty. */
export function targetJson(bits: number) {
  return { bits: hex32(bits), target: hex256(expandCompact(bits).target), difficulty: jsonFloat(difficulty(bits)) }
}

/** A header as `getblockheader` shows it. */
export function headerJson(entry: BlockEntry) {
  const { header } = entry
  return {
    hash: toHexReversed(entry.hash),
    confirmations: entry.confirmations,
    height: entry.height,
    version: header.version,
    versionHex: hex32(header.version),
    merkleroot: toHexReversed(header.merkleRoot),
    time: header.time,
    mediantime: entry.medianTime,
    nonce: header.nonce,
    ...targetJson(header.bits),
    chainwork: hex256(entry.chainWork),
    nTx: entry.txCount,
    previousblockhash: entry.height === 0 ? undefined : toHexReversed(header.previous),
    nextblockhash: entry.next === undefined ? undefined : toHexReversed(entry.next),
  }
}

/** What `getblock` shows of a block's transactions: ids, all but spent coins, or all. */
export type BlockVerbosity = 1 | 2 | 3

/** A block as `getblock` shows it. */
export async function blockJson(
  block: BlockView,
  entry: BlockEntry,
  verbosity: BlockVerbosity,
  prevouts: BlockPrevouts | undefined,
  context: RpcContext,
): Promise<Json> {
  const { txs, bytes } = block
  let strippedSize = txs.txOffset[0]
  for (let tx = 0; tx < txs.txCount; tx++) strippedSize += txs.baseSize(tx)
  const coinbaseInput = txs.inputFirst[0]
  const coinbaseWitness = txs.witness(coinbaseInput)
  return {
    ...headerJson(entry),
    strippedsize: strippedSize,
    size: bytes.length,
    weight: 3 * strippedSize + bytes.length,
    coinbase_tx: {
      version: txs.version(0),
      locktime: txs.lockTime(0),
      sequence: txs.sequence(coinbaseInput),
      coinbase: toHex(txs.scriptSig(coinbaseInput)),
      witness: coinbaseWitness.length === 0 ? undefined : toHex(coinbaseWitness[0]),
    },
    tx: await transactionsJson(block, verbosity, prevouts, context),
  }
}

async function transactionsJson(
  { txs }: BlockView,
  verbosity: BlockVerbosity,
  prevouts: BlockPrevouts | undefined,
  context: RpcContext,
): Promise<Json[]> {
  const txids = txs.txids(context.crypto)
  const id = (all: Uint8Array, tx: number): Uint8Array => all.subarray(32 * tx, 32 * tx + 32)
  const answers: Json[] = []
  if (verbosity === 1) {
    for (let tx = 0; tx < txs.txCount; tx++) answers.push(toHexReversed(id(txids, tx)))
    return answers
  }
  const wtxids = txs.wtxids(context.crypto)
  let sliceEnd = performance.now() + SLICE_MS
  for (let tx = 0; tx < txs.txCount; tx++) {
    answers.push(
      transactionJson(txs, tx, {
        prefixes: context.network.addresses,
        txid: id(txids, tx),
        wtxid: id(wtxids, tx),
        hex: true,
        showPrevouts: verbosity === 3,
        ...(prevouts === undefined ? {} : { prevouts }),
      }),
    )
    if (performance.now() < sliceEnd) continue
    await new Promise(resolve => setImmediate(resolve))
    sliceEnd = performance.now() + SLICE_MS
  }
  return answers
}
