import { concatBytes } from '../../base/bytes/bytes.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import { merkleRoot } from '../consensus/merkle.ts'
import { expandCompact, targetBytes } from '../consensus/proof-of-work.ts'
import { witnessCommitmentScript } from '../consensus/witness-commitment.ts'
import { encodeBlock, HEADER_SIZE } from '../primitives/block.ts'
import { encodeTransaction, type Transaction } from '../primitives/transaction.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import { pushNumber } from '../script/script-builder.ts'
import type { BlockTemplate } from './block-template.ts'

/** The coinbase's sequence: not final, so that its lock time counts. */
const COINBASE_SEQUENCE = 0xffff_fffe
/** Nonces tried between two looks at the limit. */
const NONCES_A_ROUND = 1 << 16

/** What goes into a block besides its template. */
export interface BlockContents {
  /** Where the subsidy and the fees go. */
  readonly script: Uint8Array
  readonly feesSats: number
  /** The transactions behind the coinbase. */
  readonly transactions: readonly TxTable[]
}

/** BIP34: the height, and at the first heights a byte more, for a coinbase script has at least two. */
function coinbaseScript(height: number): Uint8Array {
  const push = pushNumber(height)
  return height <= 16 ? concatBytes(push, Uint8Array.of(0)) : push
}

/** BIP141: what the coinbase commits to, with a reserved value of zeros. */
export function witnessCommitment(transactions: readonly TxTable[], crypto: Crypto): Uint8Array {
  const wtxids = new Uint8Array(32 * (transactions.length + 1))
  transactions.forEach((tx, i) => {
    tx.wtxids(crypto, wtxids.subarray(32 * (i + 1), 32 * (i + 2)))
  })
  return crypto.sha256d(concatBytes(merkleRoot(wtxids, crypto).root, new Uint8Array(32)))
}

/** A block without its proof of work: the nonce is zero. */
export function assembleBlock(template: BlockTemplate, contents: BlockContents, crypto: Crypto): Uint8Array {
  const { script, feesSats, transactions } = contents
  const coinbase: Transaction = {
    version: 2,
    inputs: [
      {
        txid: new Uint8Array(32),
        index: 0xffff_ffff,
        scriptSig: coinbaseScript(template.height),
        sequence: COINBASE_SEQUENCE,
        // The commitment does no harm before there are witnesses; what it is made with would.
        witness: template.segwit ? [new Uint8Array(32)] : [],
      },
    ],
    outputs: [
      { valueSats: BigInt(template.subsidySats + feesSats), script },
      { valueSats: 0n, script: witnessCommitmentScript(witnessCommitment(transactions, crypto)) },
    ],
    lockTime: template.height - 1,
  }
  const txids = new Uint8Array(32 * (transactions.length + 1))
  txids.set(crypto.sha256d(encodeTransaction(coinbase, false)))
  transactions.forEach((tx, i) => {
    tx.txids(crypto, txids.subarray(32 * (i + 1), 32 * (i + 2)))
  })
  const header = {
    version: template.version,
    previous: template.previous,
    merkleRoot: merkleRoot(txids, crypto).root,
    time: template.time,
    bits: template.bits,
    nonce: 0,
  }
  return encodeBlock(header, [encodeTransaction(coinbase), ...transactions.map(tx => tx.txBytes(0))])
}

/**
 * Looks for a nonce that gives the block's header its proof of work, and sets it.
 *
 * @param triesMax how many nonces to try
 * @returns whether one fitted, and how many were tried
 */
export function solveBlock(
  block: Uint8Array,
  bits: number,
  triesMax: number,
  crypto: Crypto,
): { found: boolean; tries: number } {
  const header = block.subarray(0, HEADER_SIZE)
  const target = targetBytes(expandCompact(bits).target)
  const limit = Math.min(triesMax, 0x1_0000_0000)
  let tries = 0
  while (tries < limit) {
    const count = Math.min(NONCES_A_ROUND, limit - tries)
    const nonce = crypto.searchHeader(header, target, tries, count)
    if (nonce >= 0) {
      for (let i = 0; i < 4; i++) block[76 + i] = nonce >>> (8 * i)
      return { found: true, tries: nonce + 1 }
    }
    tries += count
  }
  return { found: false, tries }
}
