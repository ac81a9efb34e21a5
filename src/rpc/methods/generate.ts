import { toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { decodeAddress, destinationScript } from '../../bitcoin/primitives/address.ts'
import { decodeTransaction } from '../answers/decode-transaction.ts'
import { asArray, asInt, asString } from '../arguments.ts'
import { EMPTY_TEMPLATE, type RpcContext } from '../context.ts'
import { helpText } from '../help.ts'
import type { Json } from '../json/json-value.ts'
import type { RpcMethod, RpcParam } from '../method.ts'
import {
  RPC_DESERIALIZATION_ERROR,
  RPC_INVALID_ADDRESS_OR_KEY,
  RPC_INVALID_PARAMETER,
  RPC_METHOD_NOT_FOUND,
  RPC_MISC_ERROR,
  RPC_VERIFY_ERROR,
  RpcError,
} from '../rpc-error.ts'
import { parseDescriptorArgument } from './addresses.ts'

const TRIES_DEFAULT = 1_000_000

/** The script of an address; undefined where the text is none. */
function addressScript(context: RpcContext, text: string): Uint8Array | undefined {
  const address = decodeAddress(text, context.network.addresses)
  return address.ok ? destinationScript(address.destination) : undefined
}

/** The one script that a descriptor stands for; of several the segwit one, or the one with an address. */
async function descriptorScript(context: RpcContext, text: string): Promise<Uint8Array> {
  const { descriptors } = await parseDescriptorArgument(context, text)
  if (descriptors.length > 1) throw new RpcError(RPC_INVALID_PARAMETER, 'Multipath descriptor not accepted')
  const { descriptorScripts, isRanged } = await import('../../bitcoin/descriptors/descriptor.ts')
  if (isRanged(descriptors[0])) {
    throw new RpcError(
      RPC_INVALID_PARAMETER,
      'Ranged descriptor not accepted. Maybe pass through deriveaddresses first?',
    )
  }
  const scripts = descriptorScripts(descriptors[0], 0)
  if (scripts === undefined) {
    throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Cannot derive script without private keys')
  }
  return scripts.length === 1 ? scripts[0] : scripts[scripts.length === 4 ? 2 : 1]
}

async function generate(context: RpcContext, count: number, script: Uint8Array, tries: number): Promise<Json> {
  context.lastTemplate = EMPTY_TEMPLATE
  return (await context.ledger.generate(count, script, tries)).map(toHexReversed)
}

const TRIES: RpcParam = { name: 'maxtries', type: 'number', default: TRIES_DEFAULT, about: 'How many nonces to try.' }
const RESULT = '["hash", ...]'

const generatetoaddress: RpcMethod = {
  name: 'generatetoaddress',
  category: 'hidden',
  about: 'Mines blocks that pay to an address.',
  params: [
    { name: 'nblocks', type: 'number', required: true, about: 'How many.' },
    { name: 'address', type: 'string', required: true, about: 'Where the new coins go.' },
    TRIES,
  ],
  result: RESULT,
  handler: async (context, args) => {
    const count = args.int('nblocks')
    const tries = args.int('maxtries')
    const script = addressScript(context, args.string('address'))
    if (script === undefined) throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Error: Invalid address')
    return generate(context, count, script, tries)
  },
}

const generatetodescriptor: RpcMethod = {
  name: 'generatetodescriptor',
  category: 'hidden',
  about: 'Mines blocks that pay to a descriptor.',
  params: [
    { name: 'num_blocks', type: 'number', required: true, about: 'How many.' },
    { name: 'descriptor', type: 'string', required: true, about: 'Where the new coins go.' },
    TRIES,
  ],
  result: RESULT,
  handler: async (context, args) => {
    const count = args.int('num_blocks')
    const tries = asInt(args.value('maxtries'), 0, Number.MAX_SAFE_INTEGER)
    return generate(context, count, await descriptorScript(context, args.string('descriptor')), tries)
  },
}

/** The script of a descriptor or, failing that, an address. */
async function outputScript(context: RpcContext, text: string): Promise<Uint8Array> {
  try {
    return await descriptorScript(context, text)
  } catch (error) {
    const isNoDescriptor = error instanceof RpcError && error.code === RPC_INVALID_ADDRESS_OR_KEY
    const script = isNoDescriptor ? addressScript(context, text) : undefined
    if (script !== undefined) return script
    if (!isNoDescriptor || error.message === 'Cannot derive script without private keys') throw error
    throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Error: Invalid address or descriptor')
  }
}

function rawTransaction(value: Json): Uint8Array {
  const text = asString(value)
  if (/^[0-9a-fA-F]{64}$/.test(text)) {
    throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, `Transaction ${text} not in mempool.`)
  }
  const table = decodeTransaction(text)
  if (table !== undefined) return table.txBytes(0)
  throw new RpcError(
    RPC_DESERIALIZATION_ERROR,
    `Transaction decode failed for ${text}. Make sure the tx has at least one input.`,
  )
}

/** A failed attempt at a block, as Bitcoin Core tells it. */
function generateError(error: unknown): unknown {
  if (!(error instanceof OperationError)) return error
  if (error.code === 'block-invalid') {
    return new RpcError(RPC_VERIFY_ERROR, `TestBlockValidity failed: ${error.message}`)
  }
  return error.code === 'block-unsolved' ? new RpcError(RPC_MISC_ERROR, 'Failed to make block.') : error
}

const generateblock: RpcMethod = {
  name: 'generateblock',
  category: 'hidden',
  about: 'Mines one block with certain transactions, in their order. Their fees are not collected.',
  params: [
    { name: 'output', type: 'string', required: true, about: 'The address or descriptor that the new coins go to.' },
    {
      name: 'transactions',
      type: 'array',
      required: true,
      about: 'Transactions in hex, or ids of waiting ones.',
      fields: [{ name: 'rawtx/txid', type: 'hex', about: 'A transaction.' }],
    },
    { name: 'submit', type: 'bool', default: true, about: 'Whether to take the block in; else it is given back.' },
  ],
  result: '{ "hash", "hex"? }',
  handler: async (context, args) => {
    const script = await outputScript(context, args.string('output'))
    const transactions = asArray(args.value('transactions')).map(rawTransaction)
    const submit = args.bool('submit')
    try {
      const { hash, bytes } = await context.ledger.generateBlock(script, transactions, submit)
      return { hash: toHexReversed(hash), hex: submit ? undefined : toHex(bytes) }
    } catch (error) {
      throw generateError(error)
    }
  },
}

/** Once a method; what it says now is known to scripts that look for it. */
const generateGone: RpcMethod = {
  name: 'generate',
  category: 'hidden',
  about: 'has been replaced by the -generate cli option. Refer to -help for more information.',
  params: [],
  result: '',
  handler: () => {
    throw new RpcError(RPC_METHOD_NOT_FOUND, helpText(generateGone))
  },
}

export const GENERATE_METHODS: readonly RpcMethod[] = [
  generatetoaddress,
  generatetodescriptor,
  generateblock,
  generateGone,
]
