import type { AddressEntry } from '../../bitcoin/p2p/addresses/address-buckets.ts'
import { addressClass } from '../../bitcoin/wire/address-class.ts'
import type { AddressNetwork } from '../../bitcoin/wire/net-address.ts'
import { formatNetAddress, parseNetAddress } from '../../bitcoin/wire/net-address-text.ts'
import { requirePeers } from '../context.ts'
import { type Json, JsonNumber } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_CLIENT_INVALID_IP_OR_SUBNET, RPC_INVALID_PARAMETER, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'

const NETWORKS: readonly AddressNetwork[] = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns']
const PORT_MAX = 65_535

function services(value: bigint): JsonNumber {
  return new JsonNumber(value.toString())
}

const getnodeaddresses: RpcMethod = {
  name: 'getnodeaddresses',
  category: 'network',
  about: 'Gives some of the addresses of other nodes that are known, good and recent ones.',
  params: [
    { name: 'count', type: 'number', default: 1, about: 'How many at the most; 0 for all.' },
    {
      name: 'network',
      type: 'string',
      defaultHint: 'all networks',
      about: `Only those of one network: ${NETWORKS.join(', ')}.`,
    },
  ],
  result: '[{ "time", "services", "address", "port", "network" }, ...]',
  handler: async (context, args) => {
    const count = args.int('count')
    if (count < 0) throw new RpcError(RPC_INVALID_PARAMETER, 'Address count out of range')
    const name = args.optionalString('network')
    const network = NETWORKS.find(known => known === name?.toLowerCase())
    if (name !== undefined && network === undefined) {
      throw new RpcError(RPC_INVALID_PARAMETER, `Network not recognized: ${name}`)
    }
    const addresses = await requirePeers(context).calls.knownAddresses(count, network)
    return addresses.map(known => ({
      time: known.timeSeconds,
      services: services(known.services),
      address: formatNetAddress(known.endpoint.address),
      port: known.endpoint.port,
      network: addressClass(known.endpoint.address),
    }))
  },
}

const addpeeraddress: RpcMethod = {
  name: 'addpeeraddress',
  category: 'hidden',
  about: 'Adds the address of a node to those that are known; for tests.',
  params: [
    { name: 'address', type: 'string', required: true, about: 'The address.' },
    { name: 'port', type: 'number', required: true, about: 'The port.' },
    { name: 'tried', type: 'bool', default: false, about: 'Whether it counts as one that was reached.' },
  ],
  result: '{ "success", "error"? }',
  handler: async (context, args) => {
    const port = args.int('port')
    if (port < 0 || port > PORT_MAX) throw new RpcError(RPC_MISC_ERROR, 'JSON integer out of range')
    const address = parseNetAddress(args.string('address'))
    if (address === undefined) throw new RpcError(RPC_CLIENT_INVALID_IP_OR_SUBNET, 'Invalid IP address')
    const failed = await requirePeers(context).calls.addAddress({ address, port }, args.bool('tried'))
    return failed === undefined ? { success: true } : { error: `failed-adding-to-${failed}`, success: false }
  },
}

const getaddrmaninfo: RpcMethod = {
  name: 'getaddrmaninfo',
  category: 'network',
  about:
    'Counts the addresses that are known, those only heard of (new) and those that were reached (tried), by network.',
  params: [],
  result: '{ "ipv4": { "new", "tried", "total" }, ..., "all_networks": { ... } }',
  handler: async context => {
    const figures = await requirePeers(context).calls.addressFigures()
    const of = (name: AddressNetwork | 'all'): Json => {
      const { new: fresh, tried, total } = figures[name]
      return { new: fresh, tried, total }
    }
    return { ...Object.fromEntries(NETWORKS.map(name => [name, of(name)])), all_networks: of('all') }
  },
}

function tableJson(entries: readonly AddressEntry[]): Json {
  return Object.fromEntries(
    entries.map(entry => [
      `${entry.bucket}/${entry.position}`,
      {
        address: formatNetAddress(entry.endpoint.address),
        port: entry.endpoint.port,
        services: services(entry.services),
        time: entry.timeSeconds,
        network: addressClass(entry.endpoint.address),
        source: formatNetAddress(entry.source),
        source_network: addressClass(entry.source),
      },
    ]),
  )
}

const getrawaddrman: RpcMethod = {
  name: 'getrawaddrman',
  category: 'hidden',
  about: 'Shows every place of the tables of known addresses.',
  params: [],
  result: '{ "new": { "bucket/position": { "address", "port", ... } }, "tried": { ... } }',
  handler: async context => {
    const tables = await requirePeers(context).calls.addressTables()
    return { new: tableJson(tables.new), tried: tableJson(tables.tried) }
  },
}

export const NODE_ADDRESS_METHODS: readonly RpcMethod[] = [
  getnodeaddresses,
  addpeeraddress,
  getaddrmaninfo,
  getrawaddrman,
]
