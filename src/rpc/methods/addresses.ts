import { toHex } from '../../base/bytes/bytes.ts'
import type { Descriptor } from '../../bitcoin/descriptors/descriptor.ts'
import {
  type Destination,
  decodeAddress,
  destinationScript,
  encodeAddress,
  scriptAddress,
} from '../../bitcoin/primitives/address.ts'
import { isPayToAnchor } from '../../bitcoin/script/standard.ts'
import { asBigInt, INT64_MAX, INT64_MIN } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import { type Json, jsonTypeName } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INVALID_ADDRESS_OR_KEY, RPC_INVALID_PARAMETER, RpcError } from '../rpc-error.ts'

/** How long addresses are derived before other work gets its turn. */
const SLICE_MS = 8
/** Most addresses of one call. */
const RANGE_SIZE_MAX = 1_000_000n

function destinationJson(destination: Destination) {
  if (destination.type === 'pubkeyhash') return { isscript: false, iswitness: false }
  if (destination.type === 'scripthash') return { isscript: true, iswitness: false }
  const { version, program } = destination
  if (isPayToAnchor(destinationScript(destination))) return { isscript: true, iswitness: true }
  const isKnown = version === 0 || (version === 1 && program.length === 32)
  return {
    // Only what the network knows how to spend is called a script or a key.
    isscript: isKnown ? program.length === 32 : undefined,
    iswitness: true,
    witness_version: version,
    witness_program: toHex(program),
  }
}

const validateaddress: RpcMethod = {
  name: 'validateaddress',
  category: 'util',
  about: 'Tells whether a text is an address of this network, and what it stands for.',
  params: [{ name: 'address', type: 'string', required: true, about: 'The address.' }],
  result:
    '{ "isvalid", "address"?, "scriptPubKey"?, "isscript"?, "iswitness"?, "witness_version"?, "witness_program"?,\n' +
    '  "error"?, "error_locations"?: [...] }',
  handler: (context, args) => {
    const prefixes = context.network.addresses
    const decoded = decodeAddress(args.string('address'), prefixes)
    if (!decoded.ok) return { isvalid: false, error_locations: decoded.positions, error: decoded.message }
    return {
      isvalid: true,
      address: encodeAddress(decoded.destination, prefixes),
      scriptPubKey: toHex(destinationScript(decoded.destination)),
      ...destinationJson(decoded.destination),
    }
  },
}

/** Loaded when first needed: deriving keys takes packages that nothing else at start needs. */
function descriptorTools() {
  return Promise.all([
    import('../../bitcoin/descriptors/parse.ts'),
    import('../../bitcoin/descriptors/descriptor.ts'),
  ] as const)
}

/** Parses a descriptor; throws with its fault. */
export async function parseDescriptorArgument(
  context: RpcContext,
  text: string,
  options: { requireChecksum?: boolean } = {},
) {
  const [{ parseDescriptor }] = await descriptorTools()
  const parsed = parseDescriptor(text, context.network.addresses, options)
  if (!parsed.ok) throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, parsed.detail ?? parsed.code)
  return parsed.value
}

const DESCRIPTOR = { name: 'descriptor', type: 'string', required: true, about: 'The descriptor.' } as const

const getdescriptorinfo: RpcMethod = {
  name: 'getdescriptorinfo',
  category: 'util',
  about: 'Checks a descriptor and gives its canonical form, without secrets and with a checksum.',
  params: [DESCRIPTOR],
  result: '{ "descriptor", "multipath_expansion"?: [...], "checksum", "isrange", "issolvable", "hasprivatekeys" }',
  handler: async (context, args) => {
    const parsed = await parseDescriptorArgument(context, args.string('descriptor'))
    const [, { descriptorText, isRanged, isSolvable }] = await descriptorTools()
    const texts = parsed.descriptors.map(descriptor => descriptorText(descriptor, context.network.addresses))
    const [first] = parsed.descriptors
    return {
      descriptor: texts[0],
      multipath_expansion: texts.length > 1 ? texts : undefined,
      checksum: parsed.checksum,
      isrange: isRanged(first),
      issolvable: isSolvable(first),
      hasprivatekeys: parsed.hasSecrets,
    }
  },
}

function invalid(message: string): RpcError {
  return new RpcError(RPC_INVALID_PARAMETER, message)
}

/** An end, or a pair of first and last index. */
export function parseRange(value: Json): { first: number; last: number } {
  const whole = (item: Json): bigint => asBigInt(item, INT64_MIN, INT64_MAX)
  let [first, last] = [0n, 0n]
  if (jsonTypeName(value) === 'number') last = whole(value)
  else if (Array.isArray(value) && value.length === 2 && value.every(item => jsonTypeName(item) === 'number')) {
    first = whole(value[0])
    last = whole(value[1])
    if (first > last) throw invalid('Range specified as [begin,end] must not have begin after end')
  } else throw invalid('Range must be specified as end or as [begin,end]')
  if (first < 0n) throw invalid('Range should be greater or equal than 0')
  if (last >> 31n !== 0n) throw invalid('End of range is too high')
  if (last >= first + RANGE_SIZE_MAX) throw invalid('Range is too large')
  return { first: Number(first), last: Number(last) }
}

async function deriveAddresses(
  context: RpcContext,
  descriptor: Descriptor,
  range: { first: number; last: number },
): Promise<string[]> {
  const [, { descriptorScripts }] = await descriptorTools()
  const addresses: string[] = []
  let sliceEnd = performance.now() + SLICE_MS
  for (let index = range.first; index <= range.last; index++) {
    const scripts = descriptorScripts(descriptor, index)
    if (scripts === undefined) {
      throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Cannot derive script without private keys')
    }
    // BIP384: combo's first script is the bare key, which no address stands for.
    const named = scripts.length > 1 ? scripts.slice(1) : scripts
    for (const script of named) {
      const address = scriptAddress(script, context.network.addresses)
      if (address === undefined) {
        throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Descriptor does not have a corresponding address')
      }
      addresses.push(address)
    }
    if (performance.now() < sliceEnd) continue
    await new Promise(resolve => setImmediate(resolve))
    sliceEnd = performance.now() + SLICE_MS
  }
  return addresses
}

const deriveaddresses: RpcMethod = {
  name: 'deriveaddresses',
  category: 'util',
  about: 'Derives the addresses of a descriptor, which must carry its checksum.',
  params: [
    DESCRIPTOR,
    { name: 'range', type: 'range', about: 'For a ranged descriptor: the last index, or the first and the last.' },
  ],
  result: '["address", ...], or for a multipath descriptor one such list for each alternative',
  handler: async (context, args) => {
    const range = args.given('range') ? parseRange(args.value('range')!) : undefined
    const { descriptors } = await parseDescriptorArgument(context, args.string('descriptor'), { requireChecksum: true })
    const [, { isRanged }] = await descriptorTools()
    if (!isRanged(descriptors[0]) && range !== undefined) {
      throw invalid('Range should not be specified for an un-ranged descriptor')
    }
    if (isRanged(descriptors[0]) && range === undefined)
      throw invalid('Range must be specified for a ranged descriptor')
    const lists: string[][] = []
    for (const descriptor of descriptors) {
      lists.push(await deriveAddresses(context, descriptor, range ?? { first: 0, last: 0 }))
    }
    return lists.length === 1 ? lists[0] : lists
  },
}

export const ADDRESS_METHODS: readonly RpcMethod[] = [validateaddress, deriveaddresses, getdescriptorinfo]
