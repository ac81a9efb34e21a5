import { emptyBytes } from '../../base/bytes/bytes.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import type { Prevouts } from '../primitives/prevouts.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import type { ScriptError } from './script-error.ts'
import { TransactionSignatureChecker } from './transaction-signature-checker.ts'
import { verifyScript } from './verify-script.ts'

/**
 * Whether an input of the checker's table satisfies the script of the coin that it spends: the hot path, where one checker
 * serves a thread and the inputs of a transaction come one after the other.
 *
 * @param checker with the table and its prevouts loaded
 * @param tx number of the transaction
 * @param input number of the input, counted through the table
 * @returns why not; undefined where it does
 */
export function verifyInputWith(
  checker: TransactionSignatureChecker,
  tx: number,
  input: number,
  flags: number,
): ScriptError | undefined {
  const { table, prevouts } = checker
  checker.select(tx, input)
  // Most inputs have an empty scriptSig, for which no view need be made.
  const scriptSig = table.inputScriptLength[input] === 0 ? emptyBytes() : table.scriptSig(input)
  return verifyScript(scriptSig, prevouts.script(input), table.witness(input), flags, checker, checker.hasher)
}

/** What {@link verifyInput} needs to know. */
export interface InputCheck {
  readonly table: TxTable
  /** Number of the transaction. */
  readonly tx: number
  /** Number of the input, counted through the table. */
  readonly input: number
  /** The coins that all inputs of the transaction spend. */
  readonly prevouts: Prevouts
  /** SCRIPT_VERIFY_* bits. */
  readonly flags: number
  readonly crypto: Crypto
}

/** Whether a single input satisfies the script of its coin, for callers that check few; see {@link verifyInputWith}. */
export function verifyInput(check: InputCheck): ScriptError | undefined {
  const checker = new TransactionSignatureChecker(check.crypto)
  checker.load(check.table, check.prevouts)
  return verifyInputWith(checker, check.tx, check.input, check.flags)
}
