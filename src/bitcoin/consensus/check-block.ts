import { equalBytes, toHexReversed } from '../../base/bytes/bytes.ts'
import { compactSizeLength } from '../../base/bytes/writer.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import type { NetworkParams } from '../params/network-params.ts'
import type { BlockView } from '../primitives/block.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { pushNumber } from '../script/script-builder.ts'
import { legacySigOpCount } from '../script/sigops.ts'
import { checkHeader } from './check-header.ts'
import { checkTransaction } from './check-transaction.ts'
import { type HeaderSource, medianTimePast } from './header-source.ts'
import { MAX_BLOCK_SIGOPS_COST, MAX_BLOCK_WEIGHT, WITNESS_SCALE_FACTOR } from './limits.ts'
import { isFinalTransaction } from './lock-times.ts'
import { merkleRoot } from './merkle.ts'
import { checkSignetSolution } from './signet.ts'
import { witnessCommitmentOutput } from './witness-commitment.ts'

/**
 * Faults that are of these bytes, not of the block that its hash names: somebody may have changed what the hash does not cover,
 * so that the hash must not be remembered as bad.
 */
const MUTATIONS: ReadonlySet<string> = new Set([
  'bad-txnmrklroot',
  'bad-txns-duplicate',
  'bad-witness-nonce-size',
  'bad-witness-merkle-match',
  'unexpected-witness',
])

export function isMutation(code: string): boolean {
  return MUTATIONS.has(code)
}

/** A block as it goes through the checks: its parts and the hashes that several of them need. */
export interface HashedBlock extends BlockView {
  readonly hash: Uint8Array
  /** 32 bytes a transaction. */
  readonly txids: Uint8Array
}

/** Hashes a block's header and transactions; `allocate` says where the txids are to live. */
export function hashBlock(
  block: BlockView,
  crypto: Crypto,
  allocate = (byteLength: number): ArrayBufferLike => new ArrayBuffer(byteLength),
): HashedBlock {
  return {
    bytes: block.bytes,
    header: block.header,
    txs: block.txs,
    hash: crypto.sha256d(block.bytes.subarray(0, HEADER_SIZE)),
    txids: block.txs.txids(crypto, new Uint8Array(allocate(32 * block.txs.txCount))),
  }
}

/** Whether the header's merkle root is that of the transactions, and of no other list of them (CVE-2012-2459). */
export function checkMerkleRoot(block: HashedBlock, crypto: Crypto): Verdict {
  const { root, mutated } = merkleRoot(block.txids, crypto)
  if (!equalBytes(root, block.header.merkleRoot)) return reject('bad-txnmrklroot', 'hashMerkleRoot mismatch')
  return mutated ? reject('bad-txns-duplicate', 'duplicate transaction') : accept()
}

/** Serialised size without any witness. */
function strippedSize(block: BlockView): number {
  const { txs } = block
  let size = HEADER_SIZE + compactSizeLength(txs.txCount)
  for (let tx = 0; tx < txs.txCount; tx++) size += txs.baseSize(tx)
  return size
}

/** BIP141: the block's weight. */
export function blockWeight(block: BlockView): number {
  return strippedSize(block) * (WITNESS_SCALE_FACTOR - 1) + block.bytes.length
}

/** Which of a block's checks a template under construction may not satisfy yet. */
export interface BlockChecks {
  /** Proof of work, and on a signet its signature. */
  readonly proofOfWork: boolean
  readonly merkleRoot: boolean
}

const ALL_CHECKS: BlockChecks = { proofOfWork: true, merkleRoot: true }

/** Everything that can be said of a block without knowing its parent. */
export function checkBlock(
  block: HashedBlock,
  params: NetworkParams,
  crypto: Crypto,
  checks: BlockChecks = ALL_CHECKS,
): Verdict {
  if (checks.proofOfWork) {
    const header = checkHeader(block.header, block.hash, params)
    if (!header.ok) return header
    if (params.signetChallenge !== undefined && !checkSignetSolution(block, params, crypto)) {
      return reject('bad-signet-blksig', 'signet block signature validation failure')
    }
  }
  if (checks.merkleRoot) {
    const merkle = checkMerkleRoot(block, crypto)
    if (!merkle.ok) return merkle
  }

  const { txs } = block
  if (
    txs.txCount === 0 ||
    txs.txCount * WITNESS_SCALE_FACTOR > MAX_BLOCK_WEIGHT ||
    strippedSize(block) * WITNESS_SCALE_FACTOR > MAX_BLOCK_WEIGHT
  ) {
    return reject('bad-blk-length', 'size limits failed')
  }
  if (!txs.isCoinbase(0)) return reject('bad-cb-missing', 'first tx is not coinbase')
  for (let tx = 1; tx < txs.txCount; tx++) {
    if (txs.isCoinbase(tx)) return reject('bad-cb-multiple', 'more than one coinbase')
  }
  for (let tx = 0; tx < txs.txCount; tx++) {
    const verdict = checkTransaction(txs, tx)
    if (!verdict.ok) {
      const txid = toHexReversed(block.txids.subarray(32 * tx, 32 * tx + 32))
      return reject(verdict.code, `Transaction check failed (tx hash ${txid}) ${verdict.detail ?? ''}`)
    }
  }
  let sigOps = 0
  for (let tx = 0; tx < txs.txCount; tx++) sigOps += legacySigOpCount(txs, tx)
  if (sigOps * WITNESS_SCALE_FACTOR > MAX_BLOCK_SIGOPS_COST) return reject('bad-blk-sigops', 'out-of-bounds SigOpCount')
  return accept()
}

/** BIP141: whether the witnesses are those that the coinbase commits to, or there are none. */
export function checkWitnessCommitment(block: BlockView, expected: boolean, crypto: Crypto): Verdict {
  const { txs } = block
  const output = expected ? witnessCommitmentOutput(txs) : -1
  if (output < 0) {
    for (let tx = 0; tx < txs.txCount; tx++) {
      if (txs.hasWitness(tx)) {
        return reject('unexpected-witness', 'CheckWitnessMalleation : unexpected witness data found')
      }
    }
    return accept()
  }
  const items = txs.witness(txs.inputFirst[0])
  if (items.length !== 1 || items[0].length !== 32) {
    return reject('bad-witness-nonce-size', 'CheckWitnessMalleation : invalid witness reserved value size')
  }
  const wtxids = txs.wtxids(crypto)
  // BIP141: the coinbase's own wtxid counts as zero.
  wtxids.fill(0, 0, 32)
  const preimage = new Uint8Array(64)
  preimage.set(merkleRoot(wtxids, crypto).root)
  preimage.set(items[0], 32)
  const committed = txs.outputScript(output).subarray(6, 38)
  if (!equalBytes(crypto.sha256d(preimage), committed)) {
    return reject('bad-witness-merkle-match', 'CheckWitnessMalleation : witness merkle commitment mismatch')
  }
  return accept()
}

/**
 * Everything that can be said of a block on top of its parent (-1 for the genesis block) without coins.
 *
 * @param knownWitness what {@link checkWitnessCommitment} has found already, a commitment being expected
 */
export function checkBlockInContext(
  block: HashedBlock,
  source: HeaderSource,
  previous: number,
  params: NetworkParams,
  crypto: Crypto,
  knownWitness?: Verdict,
): Verdict {
  const { txs } = block
  const height = previous < 0 ? 0 : source.height(previous) + 1
  // BIP113: from then on the median time before a block, not its own, decides about lock times.
  const cutoff = height >= params.buried.csv && previous >= 0 ? medianTimePast(source, previous) : block.header.time
  for (let tx = 0; tx < txs.txCount; tx++) {
    if (!isFinalTransaction(txs, tx, height, cutoff)) return reject('bad-txns-nonfinal', 'non-final transaction')
  }
  if (height >= params.buried.bip34) {
    const expected = pushNumber(height)
    const script = txs.scriptSig(0)
    if (script.length < expected.length || !equalBytes(script.subarray(0, expected.length), expected)) {
      return reject('bad-cb-height', 'block height mismatch in coinbase')
    }
  }
  const expected = height >= params.buried.segwit
  const witness = expected && knownWitness ? knownWitness : checkWitnessCommitment(block, expected, crypto)
  if (!witness.ok) return witness
  if (blockWeight(block) > MAX_BLOCK_WEIGHT)
    return reject('bad-blk-weight', 'ContextualCheckBlock : weight limit failed')
  return accept()
}
