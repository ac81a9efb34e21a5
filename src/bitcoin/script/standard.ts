import { MAX_PUBKEYS_PER_MULTISIG, MAX_SCRIPT_SIZE } from './limits.ts'
import { isMinimalPush } from './minimal-push.ts'
import {
  OP_0,
  OP_1,
  OP_16,
  OP_CHECKMULTISIG,
  OP_CHECKSIG,
  OP_DUP,
  OP_EQUAL,
  OP_EQUALVERIFY,
  OP_HASH160,
  OP_PUSHDATA4,
  OP_RETURN,
} from './opcodes.ts'
import { decodeScriptNumber } from './script-number.ts'
import { isPushOnly, ScriptReader } from './script-reader.ts'
import { isSizedPublicKey } from './signature-encoding.ts'

/** BIP141: a small number, then one push of 2 to 40 bytes, and nothing else. */
export function isWitnessProgram(script: Uint8Array): boolean {
  const length = script.length
  if (length < 4 || length > 42 || script[1] + 2 !== length) return false
  return script[0] === OP_0 || (script[0] >= OP_1 && script[0] <= OP_16)
}

/** The version of what {@link isWitnessProgram} accepts. */
export function witnessVersion(script: Uint8Array): number {
  return script[0] === OP_0 ? 0 : script[0] - OP_1 + 1
}

/** The program of what {@link isWitnessProgram} accepts; a view. */
export function witnessProgram(script: Uint8Array): Uint8Array {
  return script.subarray(2)
}

/** BIP16. */
export function isPayToScriptHash(script: Uint8Array): boolean {
  return script.length === 23 && script[0] === OP_HASH160 && script[1] === 20 && script[22] === OP_EQUAL
}

export function isPayToPublicKeyHash(script: Uint8Array): boolean {
  return (
    script.length === 25 &&
    script[0] === OP_DUP &&
    script[1] === OP_HASH160 &&
    script[2] === 20 &&
    script[23] === OP_EQUALVERIFY &&
    script[24] === OP_CHECKSIG
  )
}

export function isPayToWitnessScriptHash(script: Uint8Array): boolean {
  return script.length === 34 && script[0] === OP_0 && script[1] === 32
}

export function isPayToTaproot(script: Uint8Array): boolean {
  return script.length === 34 && script[0] === OP_1 && script[1] === 32
}

/** Whether a witness program is that of pay-to-anchor. */
export function isAnchorProgram(version: number, program: Uint8Array): boolean {
  return version === 1 && program.length === 2 && program[0] === 0x4e && program[1] === 0x73
}

export function isPayToAnchor(script: Uint8Array): boolean {
  return (
    script.length === 4 && isWitnessProgram(script) && isAnchorProgram(witnessVersion(script), witnessProgram(script))
  )
}

/** Whether an output can never be spent, so that it need not be kept. */
export function isUnspendable(script: Uint8Array): boolean {
  return (script.length > 0 && script[0] === OP_RETURN) || script.length > MAX_SCRIPT_SIZE
}

/** Kinds of output scripts, by the names that RPC answers show. */
export type OutputType =
  | 'nonstandard'
  | 'pubkey'
  | 'pubkeyhash'
  | 'scripthash'
  | 'multisig'
  | 'nulldata'
  | 'anchor'
  | 'witness_v0_keyhash'
  | 'witness_v0_scripthash'
  | 'witness_v1_taproot'
  | 'witness_unknown'

/** What a script's kind is, and what fills its template; byte strings are views. */
export type Solution =
  | { readonly type: 'nonstandard' | 'nulldata' | 'anchor' }
  | { readonly type: 'pubkey'; readonly publicKey: Uint8Array }
  | { readonly type: 'pubkeyhash' | 'scripthash' | 'witness_v0_keyhash'; readonly hash: Uint8Array }
  | { readonly type: 'witness_v0_scripthash'; readonly hash: Uint8Array }
  | { readonly type: 'witness_v1_taproot'; readonly outputKey: Uint8Array }
  | { readonly type: 'witness_unknown'; readonly version: number; readonly program: Uint8Array }
  | { readonly type: 'multisig'; readonly required: number; readonly publicKeys: readonly Uint8Array[] }

const NONSTANDARD: Solution = { type: 'nonstandard' }

/**
 * Which template a script follows.
 *
 * @example
 * const solution = solveScript(scriptPubKey)
 * if (solution.type === 'witness_v1_taproot') use(solution.outputKey)
 */
export function solveScript(script: Uint8Array): Solution {
  if (isPayToScriptHash(script)) return { type: 'scripthash', hash: script.subarray(2, 22) }
  if (isWitnessProgram(script)) return solveWitness(witnessVersion(script), witnessProgram(script))
  if (script[0] === OP_RETURN && isPushOnly(script, 1)) return { type: 'nulldata' }
  const publicKey = matchPublicKey(script)
  if (publicKey !== undefined) return { type: 'pubkey', publicKey }
  if (isPayToPublicKeyHash(script)) return { type: 'pubkeyhash', hash: script.subarray(3, 23) }
  return matchMultisig(script) ?? NONSTANDARD
}

function solveWitness(version: number, program: Uint8Array): Solution {
  if (version === 0) {
    if (program.length === 20) return { type: 'witness_v0_keyhash', hash: program }
    if (program.length === 32) return { type: 'witness_v0_scripthash', hash: program }
    return NONSTANDARD
  }
  if (version === 1 && program.length === 32) return { type: 'witness_v1_taproot', outputKey: program }
  if (isAnchorProgram(version, program)) return { type: 'anchor' }
  return { type: 'witness_unknown', version, program }
}

function matchPublicKey(script: Uint8Array): Uint8Array | undefined {
  const size = script[0]
  if ((size !== 33 && size !== 65) || script.length !== size + 2 || script[size + 1] !== OP_CHECKSIG) return undefined
  const publicKey = script.subarray(1, size + 1)
  return isSizedPublicKey(publicKey) ? publicKey : undefined
}

/** The number that an operation pushes, by opcode or by minimal bytes. */
function pushedNumber(reader: ScriptReader): number | undefined {
  const { opcode } = reader
  if (opcode >= OP_1 && opcode <= OP_16) return opcode - OP_1 + 1
  if (opcode > OP_PUSHDATA4) return undefined
  const data = reader.data()
  return isMinimalPush(opcode, data.length, data[0]) ? decodeScriptNumber(data, true) : undefined
}

function matchMultisig(script: Uint8Array): Solution | undefined {
  if (script.length === 0 || script[script.length - 1] !== OP_CHECKMULTISIG) return undefined
  const reader = new ScriptReader(script)
  if (!reader.next()) return undefined
  const required = pushedNumber(reader)
  if (required === undefined || required < 1 || required > MAX_PUBKEYS_PER_MULTISIG) return undefined
  const publicKeys: Uint8Array[] = []
  let more = reader.next()
  while (more && isSizedPublicKey(reader.data())) {
    publicKeys.push(reader.data())
    more = reader.next()
  }
  if (!more || pushedNumber(reader) !== publicKeys.length) return undefined
  if (publicKeys.length < required || publicKeys.length > MAX_PUBKEYS_PER_MULTISIG) return undefined
  return reader.position + 1 === script.length ? { type: 'multisig', required, publicKeys } : undefined
}
