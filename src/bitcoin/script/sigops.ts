import { emptyBytes } from '../../base/bytes/bytes.ts'
import type { Prevouts } from '../primitives/prevouts.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import { SCRIPT_VERIFY_P2SH, SCRIPT_VERIFY_WITNESS } from './flags.ts'
import { MAX_PUBKEYS_PER_MULTISIG } from './limits.ts'
import {
  OP_1,
  OP_16,
  OP_CHECKMULTISIG,
  OP_CHECKMULTISIGVERIFY,
  OP_CHECKSIG,
  OP_CHECKSIGVERIFY,
  OP_PUSHDATA1,
} from './opcodes.ts'
import { ScriptReader } from './script-reader.ts'
import { isPayToScriptHash, isWitnessProgram, witnessProgram, witnessVersion } from './standard.ts'

/** BIP141: what a signature operation outside of a witness weighs. */
const WITNESS_SCALE_FACTOR = 4

/**
 * Signature operations in bytes `start` to `end` of a buffer, read as a script as far as it can be parsed.
 *
 * @param accurate whether a CHECKMULTISIG behind a small number counts that many, not always 20
 */
function countSigOps(bytes: Uint8Array, start: number, end: number, accurate: boolean): number {
  let count = 0
  let last = 0xff
  let at = start
  while (at < end) {
    const opcode = bytes[at++]
    if (opcode < OP_PUSHDATA1) {
      at += opcode
    } else if (opcode < OP_PUSHDATA1 + 3) {
      const sizeBytes = 1 << (opcode - OP_PUSHDATA1)
      if (end - at < sizeBytes) break
      let size = 0
      for (let i = sizeBytes - 1; i >= 0; i--) size = size * 256 + bytes[at + i]
      at += sizeBytes + size
    } else if (opcode === OP_CHECKSIG || opcode === OP_CHECKSIGVERIFY) {
      count++
    } else if (opcode === OP_CHECKMULTISIG || opcode === OP_CHECKMULTISIGVERIFY) {
      count += accurate && last >= OP_1 && last <= OP_16 ? last - OP_1 + 1 : MAX_PUBKEYS_PER_MULTISIG
    }
    last = opcode
  }
  return count
}

/** Signature operations of a script; see BIP16 for `accurate`. */
export function scriptSigOpCount(script: Uint8Array, accurate: boolean): number {
  return countSigOps(script, 0, script.length, accurate)
}

/** The item that a scriptSig leaves on top; undefined where it does anything but push. */
function lastPush(scriptSig: Uint8Array): Uint8Array | undefined {
  const reader = new ScriptReader(scriptSig)
  while (!reader.atEnd) if (!reader.next() || reader.opcode > OP_16) return undefined
  return scriptSig.length === 0 ? emptyBytes() : reader.data()
}

/** Signature operations of a transaction's own scripts, counted as before BIP16. */
export function legacySigOpCount(table: TxTable, tx: number): number {
  const { bytes } = table
  let count = 0
  for (let i = table.inputFirst[tx]; i < table.inputFirst[tx + 1]; i++) {
    const at = table.inputScriptOffset[i]
    count += countSigOps(bytes, at, at + table.inputScriptLength[i], false)
  }
  for (let o = table.outputFirst[tx]; o < table.outputFirst[tx + 1]; o++) {
    const at = table.outputScriptOffset[o]
    count += countSigOps(bytes, at, at + table.outputScriptLength[o], false)
  }
  return count
}

/** BIP16: signature operations of the redeem script that an input shows for a pay-to-script-hash output, else 0. */
export function scriptHashSigOpCount(scriptSig: Uint8Array, scriptPubKey: Uint8Array): number {
  if (!isPayToScriptHash(scriptPubKey)) return 0
  const redeemScript = lastPush(scriptSig)
  return redeemScript === undefined ? 0 : scriptSigOpCount(redeemScript, true)
}

/** BIP141: signature operations that an input's witness brings; each counts a quarter of others. */
export function witnessSigOpCount(
  scriptSig: Uint8Array,
  scriptPubKey: Uint8Array,
  witness: readonly Uint8Array[],
): number {
  if (isWitnessProgram(scriptPubKey)) return programSigOpCount(scriptPubKey, witness)
  if (!isPayToScriptHash(scriptPubKey)) return 0
  const redeemScript = lastPush(scriptSig)
  return redeemScript !== undefined && isWitnessProgram(redeemScript) ? programSigOpCount(redeemScript, witness) : 0
}

function programSigOpCount(script: Uint8Array, witness: readonly Uint8Array[]): number {
  if (witnessVersion(script) !== 0) return 0
  const size = witnessProgram(script).length
  if (size === 20) return 1
  return size === 32 && witness.length > 0 ? scriptSigOpCount(witness[witness.length - 1], true) : 0
}

/**
 * BIP141: what a transaction's signature operations cost, of the 80,000 that a block may.
 *
 * @param prevouts the coins that the table's inputs spend
 * @param flags P2SH and WITNESS matter
 */
export function transactionSigOpCost(table: TxTable, tx: number, prevouts: Prevouts, flags: number): number {
  let cost = legacySigOpCount(table, tx) * WITNESS_SCALE_FACTOR
  if (table.isCoinbase(tx)) return cost
  for (let i = table.inputFirst[tx]; i < table.inputFirst[tx + 1]; i++) {
    const scriptPubKey = prevouts.script(i)
    const scriptHash = isPayToScriptHash(scriptPubKey)
    if (!scriptHash && table.witnessItemCount[i] === 0 && !isWitnessProgram(scriptPubKey)) continue
    const scriptSig = table.scriptSig(i)
    if (scriptHash && (flags & SCRIPT_VERIFY_P2SH) !== 0) {
      cost += scriptHashSigOpCount(scriptSig, scriptPubKey) * WITNESS_SCALE_FACTOR
    }
    if ((flags & SCRIPT_VERIFY_WITNESS) !== 0) cost += witnessSigOpCount(scriptSig, scriptPubKey, table.witness(i))
  }
  return cost
}
