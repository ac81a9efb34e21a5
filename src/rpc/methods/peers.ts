import { fromHex, toHex } from '../../base/bytes/bytes.ts'
import { addressClass, isValidAddress } from '../../bitcoin/wire/address-class.ts'
import { formatNetEndpoint } from '../../bitcoin/wire/net-address-text.ts'
import { serviceNames } from '../../bitcoin/wire/services.ts'
import type { PeerInfo } from '../../node/ledger/peer-calls.ts'
import type { TrafficFigures } from '../../node/net/traffic.ts'
import type { RpcArguments } from '../arguments.ts'
import { type RpcContext, type RpcPeers, requirePeers } from '../context.ts'
import { helpText } from '../help.ts'
import { type Json, jsonAmount, jsonFloat } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import {
  RPC_CLIENT_NODE_ALREADY_ADDED,
  RPC_CLIENT_NODE_CAPACITY_REACHED,
  RPC_CLIENT_NODE_NOT_ADDED,
  RPC_CLIENT_NODE_NOT_CONNECTED,
  RPC_INVALID_PARAMETER,
  RPC_INVALID_PARAMS,
  RPC_MISC_ERROR,
  RpcError,
} from '../rpc-error.ts'

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}

/** A duration in milliseconds as seconds with microseconds. */
function duration(ms: number): Json {
  return jsonFloat(Math.round(ms * 1000) / 1e6)
}

function counts(perCommand: ReadonlyMap<string, number> | undefined): Json {
  return Object.fromEntries([...(perCommand ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Services as 16 hex digits. */
export function servicesHex(services: bigint): string {
  return services.toString(16).padStart(16, '0')
}

function peerJson(peer: PeerInfo, traffic: TrafficFigures | undefined): Json {
  const seen = peer.localSeenByPeer
  return {
    id: peer.id,
    addr: peer.name,
    ...(peer.local && { addrbind: formatNetEndpoint(peer.local) }),
    ...(seen !== undefined && isValidAddress(seen.address) && { addrlocal: formatNetEndpoint(seen) }),
    network: peer.isInboundOnion ? 'onion' : addressClass(peer.endpoint.address),
    services: servicesHex(peer.services),
    servicesnames: serviceNames(peer.services),
    relaytxes: peer.relaysTransactions,
    last_inv_sequence: 0,
    inv_to_send: 0,
    lastsend: seconds(traffic?.lastSendMs ?? 0),
    lastrecv: seconds(traffic?.lastReceiveMs ?? 0),
    last_transaction: seconds(peer.lastTransactionMs),
    last_block: seconds(peer.lastBlockMs),
    bytessent: traffic?.bytesSent ?? 0,
    bytesrecv: traffic?.bytesReceived ?? 0,
    conntime: seconds(peer.connectedAtMs),
    timeoffset: peer.timeOffsetSeconds,
    ...(peer.pingTimeMs && { pingtime: duration(peer.pingTimeMs) }),
    ...(peer.minPingMs !== undefined && { minping: duration(peer.minPingMs) }),
    ...(peer.pingWaitMs && { pingwait: duration(peer.pingWaitMs) }),
    version: peer.version,
    subver: peer.userAgent,
    inbound: peer.type === 'inbound',
    bip152_hb_to: peer.highBandwidthTo,
    bip152_hb_from: peer.highBandwidthFrom,
    presynced_headers: peer.presyncHeight,
    synced_headers: peer.bestKnownHeight,
    synced_blocks: peer.commonHeight,
    inflight: peer.inFlight,
    addr_relay_enabled: peer.addressRelay.enabled,
    addr_processed: peer.addressRelay.processed,
    addr_rate_limited: peer.addressRelay.rateLimited,
    permissions: peer.permissions,
    minfeefilter: jsonAmount(peer.feeFilterSats),
    bytessent_per_msg: counts(traffic?.sentPerCommand),
    bytesrecv_per_msg: counts(traffic?.receivedPerCommand),
    connection_type: peer.type,
    transport_protocol_type: peer.protocol,
    session_id: peer.sessionId === undefined ? '' : toHex(peer.sessionId),
  }
}

const getpeerinfo: RpcMethod = {
  name: 'getpeerinfo',
  category: 'network',
  about: 'Tells about each connected peer.',
  params: [],
  result: '[{ "id", "addr", "network", "services", "version", "subver", "inbound", "connection_type", ... }, ...]',
  handler: async context => {
    const peers = requirePeers(context)
    const infos = await peers.calls.peerInfos()
    return infos.map(info => peerJson(info, peers.trafficOf(info.connection)))
  },
}

const getconnectioncount: RpcMethod = {
  name: 'getconnectioncount',
  category: 'network',
  about: 'Counts the connections to other nodes.',
  params: [],
  result: 'n    (numeric)',
  handler: async context => (await requirePeers(context).calls.peerInfos()).length,
}

const ping: RpcMethod = {
  name: 'ping',
  category: 'network',
  about:
    'Sends a ping to every peer, to measure the way there and back; getpeerinfo shows the times. ' +
    'Answers come after everything that was sent before, so that work in hand counts too.',
  params: [],
  result: 'null',
  handler: async context => {
    await requirePeers(context).calls.pingAll()
    return null
  },
}

function transportOf(context: RpcContext, args: RpcArguments, refusal: string): 'v1' | 'v2' {
  const { v2Transport } = requirePeers(context)
  const wanted = args.has('v2transport') ? args.bool('v2transport') : v2Transport
  if (wanted && !v2Transport) throw new RpcError(RPC_INVALID_PARAMETER, refusal)
  return wanted ? 'v2' : 'v1'
}

const addnode: RpcMethod = {
  name: 'addnode',
  category: 'network',
  about:
    'Adds a node to the list of those that connections are kept to, takes it off, or tries to connect once. Such peers are not ' +
    'parted from for what they do wrong, and need not be full nodes. At most 8 are connected at a time, besides -maxconnections.',
  params: [
    { name: 'node', type: 'string', required: true, about: 'Address or name of the node, with or without a port.' },
    { name: 'command', type: 'string', required: true, about: '"add", "remove" or "onetry".' },
    {
      name: 'v2transport',
      type: 'bool',
      defaultHint: 'set by -v2transport',
      about: 'Whether to speak the encrypted transport (BIP324).',
    },
  ],
  result: 'null',
  handler: async (context, args) => {
    const command = args.string('command')
    if (!['onetry', 'add', 'remove'].includes(command)) throw new RpcError(RPC_MISC_ERROR, helpText(addnode))
    const node = args.string('node')
    if (node.trim() === '') throw new RpcError(RPC_INVALID_PARAMETER, 'Error: Node address cannot be empty')
    const refusal = 'Error: v2transport requested but not enabled (see -v2transport)'
    const transport = transportOf(context, args, refusal)
    const { calls } = requirePeers(context)
    if (command === 'onetry') {
      await calls.connectOnce(node, transport)
    } else if (command === 'add') {
      const added = await calls.addNode(node, transport)
      if (!added) throw new RpcError(RPC_CLIENT_NODE_ALREADY_ADDED, 'Error: Node already added')
    } else if (!(await calls.removeNode(node))) {
      throw new RpcError(
        RPC_CLIENT_NODE_NOT_ADDED,
        'Error: Node could not be removed. It has not been added previously.',
      )
    }
    return null
  },
}

const getaddednodeinfo: RpcMethod = {
  name: 'getaddednodeinfo',
  category: 'network',
  about: 'Tells about the nodes that were added with addnode (not with onetry), or about one of them.',
  params: [{ name: 'node', type: 'string', defaultHint: 'all nodes', about: 'The node, as it was added.' }],
  result: '[{ "addednode", "connected", "addresses": [{ "address", "connected" }] }, ...]',
  handler: async (context, args) => {
    const all = await requirePeers(context).calls.addedNodes()
    const name = args.optionalString('node')
    const wanted = name === undefined ? all : all.filter(added => added.node === name)
    if (name !== undefined && wanted.length === 0) {
      throw new RpcError(RPC_CLIENT_NODE_NOT_ADDED, 'Error: Node has not been added.')
    }
    return wanted.map(({ node, connection }) => ({
      addednode: node,
      connected: connection !== undefined,
      addresses:
        connection === undefined
          ? []
          : [
              {
                address: formatNetEndpoint(connection.endpoint),
                connected: connection.inbound ? 'inbound' : 'outbound',
              },
            ],
    }))
  },
}

const disconnectnode: RpcMethod = {
  name: 'disconnectnode',
  category: 'network',
  about:
    'Parts from a peer at once. Give either its address or its number; for the number alone the address may be empty.',
  params: [
    { name: 'address', type: 'string', defaultHint: 'fallback to nodeid', about: 'Address and port of the peer.' },
    { name: 'nodeid', type: 'number', defaultHint: 'fallback to address', about: 'Its number, as in getpeerinfo.' },
  ],
  result: 'null',
  handler: async (context, args) => {
    const { calls } = requirePeers(context)
    const address = args.optionalString('address')
    const id = args.optionalInt('nodeid')
    let found: boolean
    if (address !== undefined && id === undefined) found = await calls.disconnectByName(address)
    else if (id !== undefined && !address) found = await calls.disconnectPeer(id)
    else throw new RpcError(RPC_INVALID_PARAMS, 'Only one of address and nodeid should be provided.')
    if (!found) throw new RpcError(RPC_CLIENT_NODE_NOT_CONNECTED, 'Node not found in connected nodes')
    return null
  },
}

const TEST_TYPES = ['outbound-full-relay', 'block-relay-only', 'addr-fetch', 'feeler'] as const

const addconnection: RpcMethod = {
  name: 'addconnection',
  category: 'hidden',
  about: 'Opens an outbound connection of a given kind; for tests.',
  params: [
    { name: 'address', type: 'string', required: true, about: 'Address and port to connect to.' },
    { name: 'connection_type', type: 'string', required: true, about: TEST_TYPES.join(', ') },
    { name: 'v2transport', type: 'bool', required: true, about: 'Whether to speak the encrypted transport.' },
  ],
  result: '{ "address", "connection_type" }',
  handler: async (context, args) => {
    if (context.network.name !== 'regtest') {
      throw new RpcError(RPC_MISC_ERROR, 'addconnection is for regression testing (-regtest mode) only.')
    }
    const type = TEST_TYPES.find(name => name === args.string('connection_type').trim())
    if (type === undefined) throw new RpcError(RPC_INVALID_PARAMETER, helpText(addconnection))
    const refusal = 'Error: Adding v2transport connections requires -v2transport init flag to be set.'
    const transport = transportOf(context, args, refusal)
    const address = args.string('address')
    if (!(await requirePeers(context).calls.openForTest(address, type, transport))) {
      throw new RpcError(RPC_CLIENT_NODE_CAPACITY_REACHED, 'Error: Already at capacity for specified connection type.')
    }
    return { address, connection_type: type }
  },
}

const COMMAND_LENGTH_MAX = 12

const sendmsgtopeer: RpcMethod = {
  name: 'sendmsgtopeer',
  category: 'hidden',
  about: 'Sends a message to a peer; for tests.',
  params: [
    { name: 'peer_id', type: 'number', required: true, about: 'The peer, as getpeerinfo numbers it.' },
    {
      name: 'msg_type',
      type: 'string',
      required: true,
      about: `The command, of at most ${COMMAND_LENGTH_MAX} characters.`,
    },
    { name: 'msg', type: 'hex', required: true, about: 'The payload.' },
  ],
  result: '{}',
  handler: async (context, args) => {
    const command = args.string('msg_type')
    if (command.length > COMMAND_LENGTH_MAX) {
      throw new RpcError(RPC_INVALID_PARAMETER, `Error: msg_type too long, max length is ${COMMAND_LENGTH_MAX}`)
    }
    const payload = fromHex(args.string('msg'))
    if (payload === undefined) throw new RpcError(RPC_INVALID_PARAMETER, 'Error parsing input for msg')
    if (!(await requirePeers(context).calls.sendRaw(args.int('peer_id'), command, payload))) {
      throw new RpcError(RPC_MISC_ERROR, 'Error: Could not send message to peer')
    }
    return {}
  },
}

const getblockfrompeer: RpcMethod = {
  name: 'getblockfrompeer',
  category: 'blockchain',
  about:
    'Asks a peer for a block whose header is known. The block goes the usual way from there, so that it may be pruned again. ' +
    'Answers at once; whether the block has come, getblock tells.',
  params: [
    { name: 'blockhash', type: 'hex', required: true, about: 'The block.' },
    { name: 'peer_id', type: 'number', required: true, about: 'The peer, as getpeerinfo numbers it.' },
  ],
  result: '{}',
  handler: async (context, args) => {
    const hash = args.hash('blockhash')
    const id = args.int('peer_id')
    const { calls } = requirePeers(context)
    const entry = await context.ledger.entry(hash)
    if (entry === undefined) throw new RpcError(RPC_MISC_ERROR, 'Block header missing')
    // Fetching blocks before the node has synced past their height would keep pruning from ever removing them.
    if (context.ledger.prune !== undefined && entry.height > context.ledger.tip.height) {
      throw new RpcError(
        RPC_MISC_ERROR,
        'In prune mode, only blocks that the node has already synced previously can be fetched from a peer',
      )
    }
    if (entry.hasData) throw new RpcError(RPC_MISC_ERROR, 'Block already downloaded')
    const problem = await calls.fetchBlock(hash, id)
    if (problem !== undefined) throw new RpcError(RPC_MISC_ERROR, problem)
    return {}
  },
}

/** How many connections there are each way. */
export async function connectionCounts(peers: RpcPeers): Promise<{ inbound: number; outbound: number }> {
  const infos = await peers.calls.peerInfos()
  const inbound = infos.filter(({ type }) => type === 'inbound').length
  return { inbound, outbound: infos.length - inbound }
}

export const PEER_METHODS: readonly RpcMethod[] = [
  getpeerinfo,
  getconnectioncount,
  ping,
  addnode,
  getaddednodeinfo,
  disconnectnode,
  addconnection,
  sendmsgtopeer,
  getblockfrompeer,
]
