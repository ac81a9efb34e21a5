import { formatNetAddress } from '../../bitcoin/wire/net-address-text.ts'
import { serviceNames } from '../../bitcoin/wire/services.ts'
import { PROTOCOL_VERSION } from '../../bitcoin/wire/version-message.ts'
import { requirePeers } from '../context.ts'
import { jsonAmount } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { warningsJson } from './blockchain.ts'
import { connectionCounts, servicesHex } from './peers.ts'

/** Satoshi per 1000 virtual bytes, as bitcoind's defaults have it. */
const RELAY_FEE_SATS = 100
const NETWORKS = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'] as const
/** Transactions that may be told each second. */
const TX_SEND_RATE = 14

/** What bitcoind's limits of telling transactions stand at while nothing is told. */
const IDLE_BUCKET = { backlog: 0, count_tok: 30 * TX_SEND_RATE, size_tok: 12_000_000 }

const getnettotals: RpcMethod = {
  name: 'getnettotals',
  category: 'network',
  about: 'Counts the bytes that went over the network, and tells the time and what the upload target leaves.',
  params: [],
  result: '{ "totalbytesrecv", "totalbytessent", "timemillis", "uploadtarget": { ... } }',
  handler: context => {
    const { bytesReceived, bytesSent, upload } = requirePeers(context).totals()
    return {
      totalbytesrecv: bytesReceived,
      totalbytessent: bytesSent,
      timemillis: Date.now(),
      uploadtarget: {
        timeframe: upload.timeframeSeconds,
        target: upload.targetBytes,
        target_reached: upload.reached,
        serve_historical_blocks: !upload.reachedForHistory,
        bytes_left_in_cycle: upload.bytesLeftInCycle,
        time_left_in_cycle: upload.secondsLeftInCycle,
      },
    }
  },
}

const getnetworkinfo: RpcMethod = {
  name: 'getnetworkinfo',
  category: 'network',
  about: 'Tells how the node stands in the network.',
  params: [],
  result: '{ "version", "subversion", "protocolversion", "localservices", "connections", "networks", ... }',
  handler: async context => {
    const peers = requirePeers(context)
    const { inbound, outbound } = await connectionCounts(peers)
    const { localAddresses, timeOffsetSeconds } = await peers.calls.networkState()
    return {
      version: context.clientVersion,
      subversion: peers.userAgent,
      protocolversion: PROTOCOL_VERSION,
      localservices: servicesHex(peers.services),
      localservicesnames: serviceNames(peers.services),
      localrelay: !peers.blocksOnly,
      timeoffset: timeOffsetSeconds,
      tx_send_rate: TX_SEND_RATE,
      inv_buckets: {
        inbound: IDLE_BUCKET,
        outbound: IDLE_BUCKET,
      },
      networkactive: peers.isActive(),
      connections: inbound + outbound,
      connections_in: inbound,
      connections_out: outbound,
      networks: NETWORKS.map(name => ({ name, ...peers.networkReach(name) })),
      relayfee: jsonAmount(RELAY_FEE_SATS),
      incrementalfee: jsonAmount(RELAY_FEE_SATS),
      localaddresses: localAddresses.map(({ endpoint, score }) => ({
        address: formatNetAddress(endpoint.address),
        port: endpoint.port,
        score,
      })),
      warnings: warningsJson(context),
    }
  },
}

const setnetworkactive: RpcMethod = {
  name: 'setnetworkactive',
  category: 'network',
  about: 'Turns all traffic between nodes off or on.',
  params: [{ name: 'state', type: 'bool', required: true, about: 'Whether the network is to be used.' }],
  result: 'true or false    (what holds now)',
  handler: (context, args) => {
    const peers = requirePeers(context)
    peers.setActive(args.bool('state'))
    return peers.isActive()
  },
}

export const NETWORK_METHODS: readonly RpcMethod[] = [getnettotals, getnetworkinfo, setnetworkactive]
