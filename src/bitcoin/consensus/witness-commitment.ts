import type { TxTable } from '../primitives/tx-table.ts'

/** BIP141: OP_RETURN, a push of 36 bytes, and the header aa21a9ed; the 32 bytes behind it are the commitment. */
const COMMITMENT_PREFIX = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed]
const COMMITMENT_SCRIPT_SIZE = 38

/** The output (numbered through the table) of the coinbase that commits to the witnesses; the last one counts; -1 for none. */
export function witnessCommitmentOutput(txs: TxTable): number {
  if (txs.txCount === 0) return -1
  for (let output = txs.outputFirst[1] - 1; output >= 0; output--) {
    const at = txs.outputScriptOffset[output]
    if (txs.outputScriptLength[output] < COMMITMENT_SCRIPT_SIZE) continue
    if (COMMITMENT_PREFIX.every((byte, i) => txs.bytes[at + i] === byte)) return output
  }
  return -1
}

/** BIP141: the script that carries a commitment. */
export function witnessCommitmentScript(commitment: Uint8Array): Uint8Array {
  const script = new Uint8Array(COMMITMENT_SCRIPT_SIZE)
  script.set(COMMITMENT_PREFIX)
  script.set(commitment, COMMITMENT_PREFIX.length)
  return script
}
