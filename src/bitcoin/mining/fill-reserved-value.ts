import { concatBytes } from '../../base/bytes/bytes.ts'
import { witnessCommitmentOutput } from '../consensus/witness-commitment.ts'
import type { BlockView } from '../primitives/block.ts'

/** Marker and flag of BIP144. */
const MARKER_AND_FLAG = Uint8Array.of(0, 1)
/** One witness item of 32 zero bytes. */
const RESERVED_VALUE = concatBytes(Uint8Array.of(1, 32), new Uint8Array(32))

/**
 * BIP141: miners may leave out the coinbase's witness reserved value, as getblocktemplate's clients do. The bytes of the block with it,
 * where there is a commitment and no witness in the coinbase; else undefined, for there is nothing to fill in.
 */
export function fillReservedValue(block: BlockView): Uint8Array | undefined {
  const { txs, bytes } = block
  if (txs.txCount === 0 || txs.inputCountOf(0) !== 1 || txs.hasWitness(0) || witnessCommitmentOutput(txs) < 0)
    return undefined
  const start = txs.txOffset[0]
  const lockTime = txs.txOffset[1] - 4
  return concatBytes(
    bytes.subarray(0, start + 4),
    MARKER_AND_FLAG,
    bytes.subarray(start + 4, lockTime),
    RESERVED_VALUE,
    bytes.subarray(lockTime),
  )
}
