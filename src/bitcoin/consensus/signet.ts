import { concatBytes, emptyBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { encodeHeader } from '../primitives/block.ts'
import { Prevouts } from '../primitives/prevouts.ts'
import { encodeTransaction, type Transaction, transactionFromTable } from '../primitives/transaction.ts'
import { MAX_SIZE, parseTransaction } from '../primitives/tx-table.ts'
import {
  SCRIPT_VERIFY_DERSIG,
  SCRIPT_VERIFY_NULLDUMMY,
  SCRIPT_VERIFY_P2SH,
  SCRIPT_VERIFY_WITNESS,
} from '../script/flags.ts'
import { pushData } from '../script/script-builder.ts'
import { ScriptReader } from '../script/script-reader.ts'
import { verifyInput } from '../script/verify-input.ts'
import type { HashedBlock } from './check-block.ts'
import { merkleRoot } from './merkle.ts'
import { witnessCommitmentOutput } from './witness-commitment.ts'

/** BIP325: what marks the push that holds a block's solution. */
const SIGNET_HEADER = Uint8Array.of(0xec, 0xc7, 0xda, 0xa2)
const SIGNET_FLAGS = SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_DERSIG | SCRIPT_VERIFY_NULLDUMMY
/** A solution lies in a block and so cannot have more items than bytes there. */
const SOLUTION_ITEMS_MAX = MAX_SIZE

/** BIP325: the commitment's script without the solution in it, and the solution; undefined where it holds none. */
function takeSolution(script: Uint8Array): { cleared: Uint8Array; solution: Uint8Array } | undefined {
  const parts: Uint8Array[] = []
  let solution: Uint8Array | undefined
  const reader = new ScriptReader(script)
  while (reader.next()) {
    const data = reader.data()
    if (data.length === 0) {
      parts.push(Uint8Array.of(reader.opcode))
    } else if (
      solution === undefined &&
      data.length > SIGNET_HEADER.length &&
      equalBytes(data.subarray(0, SIGNET_HEADER.length), SIGNET_HEADER)
    ) {
      solution = data.slice(SIGNET_HEADER.length)
      parts.push(pushData(SIGNET_HEADER))
    } else {
      parts.push(pushData(data))
    }
  }
  return solution === undefined ? undefined : { cleared: concatBytes(...parts), solution }
}

function readSolution(solution: Uint8Array): { scriptSig: Uint8Array; witness: Uint8Array[] } | undefined {
  const reader = new ByteReader(solution)
  const scriptSig = reader.bytes(reader.compactSize(MAX_SIZE))
  const witness: Uint8Array[] = []
  const count = reader.compactSize(SOLUTION_ITEMS_MAX)
  for (let i = 0; i < count && reader.failure === undefined; i++)
    witness.push(reader.bytes(reader.compactSize(MAX_SIZE)))
  return reader.failure === undefined && reader.remaining === 0 ? { scriptSig, witness } : undefined
}

function input(
  txid: Uint8Array,
  index: number,
  scriptSig: Uint8Array,
  witness: Uint8Array[],
): Transaction['inputs'][0] {
  return { txid, index, scriptSig, sequence: 0, witness }
}

/** BIP325: whether the block carries a solution of its network's challenge; the genesis block needs none. */
export function checkSignetSolution(block: HashedBlock, params: NetworkParams, crypto: Crypto): boolean {
  if (equalBytes(block.hash, params.genesisHash)) return true
  const challenge = params.signetChallenge ?? emptyBytes()
  const output = witnessCommitmentOutput(block.txs)
  if (output < 0) return false

  // The signature covers the block without itself: the coinbase is hashed with the solution cut out.
  const coinbase = transactionFromTable(block.txs, 0)
  const taken = takeSolution(coinbase.outputs[output].script)
  const solved = taken === undefined ? { scriptSig: emptyBytes(), witness: [] } : readSolution(taken.solution)
  if (solved === undefined) return false
  if (taken !== undefined) coinbase.outputs[output].script = taken.cleared
  const leaves = block.txids.slice()
  leaves.set(crypto.sha256d(encodeTransaction(coinbase, false)))
  const header = encodeHeader({ ...block.header, merkleRoot: merkleRoot(leaves, crypto).root })
  // Version, parent, merkle root and time; not bits and nonce, which are found afterwards.
  const signed = header.subarray(0, 72)

  const toSpend = encodeTransaction({
    version: 0,
    inputs: [input(new Uint8Array(32), 0xffff_ffff, new ByteWriter().u8(0).bytes(pushData(signed)).finish(), [])],
    outputs: [{ valueSats: 0n, script: challenge }],
    lockTime: 0,
  })
  const spending = encodeTransaction({
    version: 0,
    inputs: [input(crypto.sha256d(toSpend), 0, solved.scriptSig, solved.witness)],
    outputs: [{ valueSats: 0n, script: Uint8Array.of(0x6a) }],
    lockTime: 0,
  })
  const table = parseTransaction(spending)
  if (!table.ok) return false
  const prevouts = Prevouts.of([{ valueSats: 0, script: challenge }])
  return verifyInput({ table: table.value, tx: 0, input: 0, prevouts, flags: SIGNET_FLAGS, crypto }) === undefined
}
