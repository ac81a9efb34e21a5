import { BUCKET_SIZE, NEW_BUCKETS, TRIED_BUCKETS } from '../bitcoin/p2p/addresses/bucket-placer.ts'
import { LOCAL_ADDRESSES_MAX } from '../bitcoin/p2p/addresses/local-addresses.ts'
import { ADDRESSES_TO_SEND_MAX } from '../bitcoin/p2p/addresses/peer-addresses.ts'
import {
  GETBLOCKS_MAX,
  GETDATA_QUEUE_MAX,
  MAX_BLOCKS_IN_TRANSIT_PER_PEER,
  MAX_BLOCKS_TO_ANNOUNCE,
  UNAPPLIED_BYTES_MAX,
  UNAPPLIED_MESSAGES_MAX,
} from '../bitcoin/p2p/limits.ts'
import type { RemotePeer } from '../bitcoin/p2p/remote-peer.ts'
import { WIRE_LIMITS } from '../bitcoin/wire/limits.ts'
import { SEND_QUEUE_FACTOR_MAX } from '../node/net/connection.ts'
import { WAITING_BYTES_MAX } from '../node/net/connections.ts'
import type { SimNode } from './sim-node.ts'

/** What a node was told to keep to. */
export interface NodeLimits {
  readonly connectionsMax: number
  readonly receiveBufferBytesMax: number
  readonly sendBufferBytesMax: number
}

/** How much a queue holds, and how much it may. */
type Queue = readonly [name: string, held: number, max: number]

/** A message is always taken whole, and so is an answer given. */
const MESSAGE_BYTES_MAX = WIRE_LIMITS.payloadBytesMax

/** What one message of a peer's, or the time that passes, has a node say to it; those told of it included that were not yet reported. */
const ROUND_MESSAGES_MAX = 24

function queuesOfPeer(peer: RemotePeer, { receiveBufferBytesMax }: NodeLimits): Queue[] {
  return [
    ['bytes of messages', peer.queue.waitingBytes, receiveBufferBytesMax + MESSAGE_BYTES_MAX],
    ['blocks being prepared', peer.preparing.length, MAX_BLOCKS_IN_TRANSIT_PER_PEER],
    ['requests', peer.getdataRequests.length, GETDATA_QUEUE_MAX],
    ['blocks asked for', peer.requests.length, MAX_BLOCKS_IN_TRANSIT_PER_PEER],
    ['addresses to be told', peer.addresses.waiting, ADDRESSES_TO_SEND_MAX],
    ['blocks to be told by header', peer.blocksForHeaders.length, MAX_BLOCKS_TO_ANNOUNCE + 1],
    ['blocks to be told by hash', peer.blocksForInv.length, GETBLOCKS_MAX + MAX_BLOCKS_TO_ANNOUNCE + 1],
  ]
}

function queuesOfNode({ p2p, peers, connections }: SimNode, limits: NodeLimits): Queue[] {
  const { context } = p2p
  const { manager, local } = p2p.connections.gossip
  const addresses = manager.counts()
  return [
    ['connections', peers.length, limits.connectionsMax],
    ['bytes to be dealt with', connections.waitingBytes, WAITING_BYTES_MAX + peers.length * MESSAGE_BYTES_MAX],
    [
      'bytes to be sent to one',
      Math.max(0, ...connections.queuedBytes),
      SEND_QUEUE_FACTOR_MAX * limits.sendBufferBytesMax,
    ],
    [
      'bytes on their way to the sockets',
      context.unappliedBytes,
      UNAPPLIED_BYTES_MAX + peers.length * MESSAGE_BYTES_MAX,
    ],
    [
      'messages on their way to the sockets',
      context.unappliedMessages,
      UNAPPLIED_MESSAGES_MAX + peers.length * ROUND_MESSAGES_MAX,
    ],
    ['new addresses', addresses.new, NEW_BUCKETS * BUCKET_SIZE],
    ['tried addresses', addresses.tried, TRIED_BUCKETS * BUCKET_SIZE],
    ['own addresses', local.all.length, LOCAL_ADDRESSES_MAX],
  ]
}

/** Says of each queue of a node's that holds more than it may. */
export function queueFaults(node: SimNode, limits: NodeLimits): string[] {
  const queues = [...queuesOfNode(node, limits), ...node.peers.flatMap(peer => queuesOfPeer(peer, limits))]
  return queues
    .filter(([, held, max]) => held > max)
    .map(([name, held, max]) => `${node.name}: ${held} ${name}, of at most ${max}`)
}
