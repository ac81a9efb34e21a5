import type { Crypto } from '../../base/crypto/backend.ts'
import { accept, type Verdict } from '../../base/verdict.ts'
import { checkBlock, checkWitnessCommitment, type HashedBlock, hashBlock } from '../consensus/check-block.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { parseLeadingBlock } from '../primitives/block.ts'
import type { Allocate } from './spent-coins.ts'

/** What can be said of a block by itself; whoever accepts it need not find it out again. */
export interface BlockFindings {
  /** Everything that needs no parent. */
  readonly alone: Verdict
  /** BIP141: the witness commitment, as it must be wherever segwit holds. */
  readonly witness: Verdict
}

/** A block with what was found out about it, in any thread. */
export interface PreparedBlock {
  readonly block: HashedBlock
  readonly findings: BlockFindings
}

/** Parses, hashes and checks the block that bytes begin with, as far as it can be checked alone; rejects what does not parse. */
export function prepareBlock(
  bytes: Uint8Array,
  params: NetworkParams,
  crypto: Crypto,
  allocate?: Allocate,
): Verdict<PreparedBlock> {
  const parsed = parseLeadingBlock(bytes, allocate === undefined ? {} : { allocate })
  if (!parsed.ok) return parsed
  const block = hashBlock(parsed.value, crypto, allocate)
  const alone = checkBlock(block, params, crypto)
  const witness = alone.ok ? checkWitnessCommitment(block, true, crypto) : alone
  return accept({ block, findings: { alone, witness } })
}
