import { toHex } from '../../base/bytes/bytes.ts'
import { decodeAddress, destinationScript } from '../../bitcoin/primitives/address.ts'
import {
  encodeTransaction,
  SEQUENCE_FINAL,
  type Transaction,
  type TransactionInput,
  type TransactionOutput,
  unsignedInput,
} from '../../bitcoin/primitives/transaction.ts'
import { nullData } from '../../bitcoin/script/script-builder.ts'
import {
  asAmount,
  asArray,
  asBigInt,
  asHash,
  asHex,
  asInt,
  asObject,
  INT64_MAX,
  INT64_MIN,
  type RpcArguments,
} from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import { type Json, JsonNumber, JsonObject, jsonTypeName } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INVALID_ADDRESS_OR_KEY, RPC_INVALID_PARAMETER, RpcError } from '../rpc-error.ts'

/** BIP125: the highest sequence that lets a transaction be replaced. */
const SEQUENCE_REPLACEABLE_MAX = 0xffff_fffd
/** The highest sequence with which a lock time counts. */
const SEQUENCE_NONFINAL_MAX = 0xffff_fffe
const LOCKTIME_MAX = 0xffff_ffffn
/** Versions that are relayed. */
const VERSION_MIN = 1
const VERSION_MAX = 3

function invalid(message: string): RpcError {
  return new RpcError(RPC_INVALID_PARAMETER, message)
}

function parseInput(value: Json, sequenceByDefault: number): TransactionInput {
  const input = asObject(value)
  const txid = asHash(input.get('txid'), 'txid')
  const index = input.get('vout')
  if (jsonTypeName(index) !== 'number') throw invalid('Invalid parameter, missing vout key')
  const output = asInt(index)
  if (output < 0) throw invalid('Invalid parameter, vout cannot be negative')
  const sequence = input.get('sequence')
  if (jsonTypeName(sequence) !== 'number') return unsignedInput(txid, output, sequenceByDefault)
  const given = asBigInt(sequence, INT64_MIN, INT64_MAX)
  if (given < 0n || given > BigInt(SEQUENCE_FINAL)) {
    throw invalid('Invalid parameter, sequence number is out of range')
  }
  return unsignedInput(txid, output, Number(given))
}

/** Outputs as pairs, whether they came as one object or as a list of objects with one key each. */
function outputPairs(value: Json | undefined): [string, Json][] {
  if (value === null || value === undefined) throw invalid('Invalid parameter, output argument must be non-null')
  if (value instanceof JsonObject) return value.keys.map((key, i) => [key, value.values[i]])
  return asArray(value).map(item => {
    if (!(item instanceof JsonObject)) throw invalid('Invalid parameter, key-value pair not an object as expected')
    if (item.keys.length !== 1) throw invalid('Invalid parameter, key-value pair must contain exactly one key')
    return [item.keys[0], item.values[0]]
  })
}

function parseOutputs(value: Json | undefined, context: RpcContext): TransactionOutput[] {
  const seen = new Set<string>()
  const outputs: TransactionOutput[] = []
  for (const [key, item] of outputPairs(value)) {
    if (key === 'data') {
      if (seen.has(key)) throw invalid('Invalid parameter, duplicate key: data')
      seen.add(key)
      const data = asHex(item instanceof JsonNumber ? item.text : item, 'Data')
      outputs.push({ valueSats: 0n, script: nullData(data) })
      continue
    }
    const address = decodeAddress(key, context.network.addresses)
    const valueSats = BigInt(asAmount(item))
    if (!address.ok) throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, `Invalid Bitcoin address: ${key}`)
    const script = destinationScript(address.destination)
    // Two spellings of one address are one address.
    if (seen.has(toHex(script))) throw invalid(`Invalid parameter, duplicated address: ${key}`)
    seen.add(toHex(script))
    outputs.push({ valueSats, script })
  }
  return outputs
}

/** The transaction that the arguments of `createrawtransaction` describe. */
function buildTransaction(context: RpcContext, args: RpcArguments): Transaction {
  const lockTime = asBigInt(args.value('locktime'), INT64_MIN, INT64_MAX)
  if (lockTime < 0n || lockTime > LOCKTIME_MAX) throw invalid('Invalid parameter, locktime out of range')
  const version = asInt(args.value('version'), 0, 0xffff_ffff)
  if (version < VERSION_MIN || version > VERSION_MAX) {
    throw invalid(`Invalid parameter, version out of range(${VERSION_MIN}~${VERSION_MAX})`)
  }
  const sequence = args.bool('replaceable')
    ? SEQUENCE_REPLACEABLE_MAX
    : lockTime > 0n
      ? SEQUENCE_NONFINAL_MAX
      : SEQUENCE_FINAL
  const inputs = asArray(args.value('inputs')).map(input => parseInput(input, sequence))
  const outputs = parseOutputs(args.value('outputs'), context)
  const isReplaceable = inputs.some(input => input.sequence <= SEQUENCE_REPLACEABLE_MAX)
  if (args.given('replaceable') && args.bool('replaceable') && inputs.length > 0 && !isReplaceable) {
    throw invalid('Invalid parameter combination: Sequence number(s) contradict replaceable option')
  }
  return { version, inputs, outputs, lockTime: Number(lockTime) }
}

export const createrawtransaction: RpcMethod = {
  name: 'createrawtransaction',
  category: 'rawtransactions',
  about: 'Builds a transaction without signatures. It is neither stored nor sent.',
  params: [
    {
      name: 'inputs',
      type: 'array',
      required: true,
      about: 'The outputs to spend.',
      fields: [
        {
          name: '',
          type: 'object',
          about: '',
          fields: [
            { name: 'txid', type: 'hex', required: true, about: 'The transaction id.' },
            { name: 'vout', type: 'number', required: true, about: 'The number of the output.' },
            {
              name: 'sequence',
              type: 'number',
              defaultHint: "depends on the value of the 'replaceable' and 'locktime' arguments",
              about: 'The sequence number.',
            },
          ],
        },
      ],
    },
    {
      name: 'outputs',
      type: 'array',
      required: true,
      untyped: true,
      about: 'The outputs, each key once; an object with all of them is taken too.',
      fields: [
        {
          name: '',
          type: 'record',
          about: '',
          fields: [
            {
              name: 'address',
              type: 'amount',
              required: true,
              about: 'An address and the amount it gets, in bitcoin.',
            },
          ],
        },
        {
          name: '',
          type: 'object',
          about: '',
          fields: [
            { name: 'data', type: 'hex', required: true, about: 'Data that an output carries which cannot be spent.' },
          ],
        },
      ],
    },
    { name: 'locktime', type: 'number', default: 0, about: 'The lock time; if not 0, inputs are made to heed it.' },
    {
      name: 'replaceable',
      type: 'bool',
      default: true,
      about: 'Whether the transaction says that it may be replaced by one with a higher fee (BIP125).',
    },
    { name: 'version', type: 'number', default: 2, about: 'The version.' },
  ],
  result: '"hex"    (string) the transaction',
  handler: (context, args) => toHex(encodeTransaction(buildTransaction(context, args))),
}
