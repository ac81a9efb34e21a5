import { toHex } from '../../base/bytes/bytes.ts'
import { SCRIPT_VERIFY_STRICTENC } from './flags.ts'
import { OP_PUSHDATA4, opcodeName } from './opcodes.ts'
import { decodeScriptNumber } from './script-number.ts'
import { ScriptReader } from './script-reader.ts'
import { checkSignatureEncoding } from './signature-encoding.ts'
import { SIGHASH_ALL, SIGHASH_ANYONECANPAY, SIGHASH_NONE, SIGHASH_SINGLE } from './signature-version.ts'
import { isUnspendable } from './standard.ts'

const HASH_TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [SIGHASH_ALL, 'ALL'],
  [SIGHASH_ALL | SIGHASH_ANYONECANPAY, 'ALL|ANYONECANPAY'],
  [SIGHASH_NONE, 'NONE'],
  [SIGHASH_NONE | SIGHASH_ANYONECANPAY, 'NONE|ANYONECANPAY'],
  [SIGHASH_SINGLE, 'SINGLE'],
  [SIGHASH_SINGLE | SIGHASH_ANYONECANPAY, 'SINGLE|ANYONECANPAY'],
])

/** The name of a hash type as RPC answers show it; the empty text for any that is not defined. */
export function hashTypeName(hashType: number): string {
  return HASH_TYPE_NAMES.get(hashType) ?? ''
}

/** A push as disassembly shows it: as a number up to four bytes, else as hex. */
function pushText(data: Uint8Array, decodeSignatures: boolean): string {
  if (data.length <= 4) return `${decodeScriptNumber(data, false)}`
  if (decodeSignatures && checkSignatureEncoding(data, SCRIPT_VERIFY_STRICTENC) === undefined) {
    const name = hashTypeName(data[data.length - 1])
    return `${toHex(data.subarray(0, data.length - 1))}[${name}]`
  }
  return toHex(data)
}

/**
 * A script as RPC answers show it under `asm`; a push that reaches beyond the end shows as `[error]`.
 *
 * @param decodeSignatures whether what looks like a signature shows its hash type by name, as for scriptSigs
 */
export function scriptToAsm(script: Uint8Array, decodeSignatures = false): string {
  // Data behind OP_RETURN may look like a signature, but is none.
  const decode = decodeSignatures && !isUnspendable(script)
  const words: string[] = []
  const reader = new ScriptReader(script)
  while (!reader.atEnd) {
    if (!reader.next()) {
      words.push('[error]')
      break
    }
    words.push(reader.opcode <= OP_PUSHDATA4 ? pushText(reader.data(), decode) : opcodeName(reader.opcode))
  }
  return words.join(' ')
}
