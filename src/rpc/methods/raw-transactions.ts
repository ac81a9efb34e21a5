import { emptyBytes } from '../../base/bytes/bytes.ts'
import { hash160, sha256 } from '../../base/crypto/hash.ts'
import { descriptorText } from '../../bitcoin/descriptors/descriptor.ts'
import { inferWitnessScript } from '../../bitcoin/descriptors/infer.ts'
import { type Destination, destinationScript, encodeAddress } from '../../bitcoin/primitives/address.ts'
import { isOpSuccess, OP_CHECKSIGADD } from '../../bitcoin/script/opcodes.ts'
import { ScriptReader } from '../../bitcoin/script/script-reader.ts'
import { isUnspendable, type Solution, solveScript } from '../../bitcoin/script/standard.ts'
import { decodeTransaction, hasValidOperations } from '../answers/decode-transaction.ts'
import { scriptJson } from '../answers/script-json.ts'
import { transactionJson } from '../answers/transaction-json.ts'
import { asHex } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_DESERIALIZATION_ERROR, RpcError } from '../rpc-error.ts'
import { createrawtransaction } from './create-raw-transaction.ts'

const decoderawtransaction: RpcMethod = {
  name: 'decoderawtransaction',
  category: 'rawtransactions',
  about: 'Shows what a serialised transaction says.',
  params: [
    { name: 'hexstring', type: 'hex', required: true, about: 'The transaction in hex.' },
    {
      name: 'iswitness',
      type: 'bool',
      defaultHint: 'depends on heuristic tests',
      about: 'Whether it is in the form with witnesses; found out if left out.',
    },
  ],
  result: '{ "txid", "hash", "version", "size", "vsize", "weight", "locktime", "vin": [...], "vout": [...] }',
  handler: (context, args) => {
    const forms = args.has('iswitness')
      ? { witness: args.bool('iswitness'), legacy: !args.bool('iswitness') }
      : { witness: true, legacy: true }
    const table = decodeTransaction(args.string('hexstring'), forms)
    if (table === undefined) throw new RpcError(RPC_DESERIALIZATION_ERROR, 'TX decode failed')
    return transactionJson(table, 0, {
      prefixes: context.network.addresses,
      txid: table.txids(context.crypto),
      wtxid: table.wtxids(context.crypto),
      hex: false,
    })
  },
}

/** Whether a script may be the one that a script hash stands for. */
function canBeWrapped(script: Uint8Array, solution: Solution): boolean {
  switch (solution.type) {
    case 'nulldata':
    case 'scripthash':
    case 'witness_unknown':
    case 'witness_v1_taproot':
    case 'anchor':
      return false
  }
  if (!hasValidOperations(script) || isUnspendable(script)) return false
  const reader = new ScriptReader(script)
  while (reader.next()) if (reader.opcode === OP_CHECKSIGADD || isOpSuccess(reader.opcode)) return false
  return true
}

/** The segwit output that wraps a script; undefined where none may. */
function witnessDestination(script: Uint8Array, solution: Solution): Destination | undefined {
  const version0 = (program: Uint8Array): Destination => ({ type: 'witness', version: 0, program })
  // BIP143: uncompressed keys are not to be used in segwit.
  const isCompressed = (key: Uint8Array): boolean => key.length === 33
  switch (solution.type) {
    case 'pubkey':
      return isCompressed(solution.publicKey) ? version0(hash160(solution.publicKey)) : undefined
    case 'pubkeyhash':
      return version0(solution.hash)
    case 'multisig':
      return solution.publicKeys.every(isCompressed) ? version0(sha256(script)) : undefined
    case 'nonstandard':
      return version0(sha256(script))
    default:
      return undefined
  }
}

function wrappedJson(script: Uint8Array, solution: Solution, context: RpcContext) {
  const prefixes = context.network.addresses
  const scriptHash = (wrapped: Uint8Array): string =>
    encodeAddress({ type: 'scripthash', hash: hash160(wrapped) }, prefixes)
  if (!canBeWrapped(script, solution)) return {}
  const witness = witnessDestination(script, solution)
  if (witness === undefined) return { p2sh: scriptHash(script) }
  const program = destinationScript(witness)
  const inferred = solution.type === 'multisig' ? inferWitnessScript(script) : undefined
  const desc = inferred === undefined ? {} : { desc: descriptorText(inferred, prefixes) }
  return {
    p2sh: scriptHash(script),
    segwit: { ...scriptJson(program, prefixes, desc), 'p2sh-segwit': scriptHash(program) },
  }
}

const decodescript: RpcMethod = {
  name: 'decodescript',
  category: 'rawtransactions',
  about: 'Shows what a script says, and the addresses that would stand for it.',
  params: [{ name: 'hexstring', type: 'hex', required: true, about: 'The script in hex.' }],
  result:
    '{ "asm", "desc", "type", "address"?, "p2sh"?, "segwit"?: { "asm", "desc", "hex", "address"?, "type", "p2sh-segwit" } }',
  handler: (context, args) => {
    const text = args.string('hexstring')
    const script = text === '' ? emptyBytes() : asHex(text, 'argument')
    const shown = scriptJson(script, context.network.addresses, { hex: false })
    return { ...shown, ...wrappedJson(script, solveScript(script), context) }
  },
}

export const RAW_TRANSACTION_METHODS: readonly RpcMethod[] = [createrawtransaction, decoderawtransaction, decodescript]
