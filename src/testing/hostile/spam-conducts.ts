import { ByteWriter } from '../../base/bytes/writer.ts'
import { solveBlock } from '../../bitcoin/mining/assemble-block.ts'
import { blockTemplate } from '../../bitcoin/mining/block-template.ts'
import { encodeHeader, HEADER_SIZE } from '../../bitcoin/primitives/block.ts'
import type { GossipedAddress } from '../../bitcoin/wire/address-messages.ts'
import { WIRE_LIMITS } from '../../bitcoin/wire/limits.ts'
import { SERVICES } from '../../bitcoin/wire/services.ts'
import type { Conduct, WireLink } from './wire-peer.ts'

const SPAM_HEADERS = 40

/** Headers upon the genesis block, with proof of work but less of it than the chain that everybody has. */
function lowWorkHeaders({ peer, victim }: WireLink): Uint8Array {
  const { ledger } = victim!
  const { chain, deployments } = ledger
  const template = blockTemplate(chain.index, chain.at(0), chain.params, deployments, 0)
  const headers = new Uint8Array(HEADER_SIZE * SPAM_HEADERS)
  let previous = template.previous
  for (let i = 0; i < SPAM_HEADERS; i++) {
    const { version, bits } = template
    const time = template.time + i
    const header = encodeHeader({ version, previous, merkleRoot: peer.random.bytes(32), time, bits, nonce: 0 })
    solveBlock(header, bits, 0x1_0000_0000, peer.crypto)
    headers.set(header, HEADER_SIZE * i)
    previous = peer.crypto.sha256d(header)
  }
  return headers
}

/** Offers headers of long branches that are worth nothing, out of order, or without proof of work. */
export function headerSpam(): Conduct {
  return {
    name: 'header spam',
    act(link) {
      if (link.victim === undefined) return
      const headers = lowWorkHeaders(link)
      const { random } = link.peer
      const kind = random.below(4)
      if (kind === 1) headers.copyWithin(0, HEADER_SIZE * 20, HEADER_SIZE * 30)
      if (kind === 2) headers.set(random.bytes(4), HEADER_SIZE * 39 + 36)
      link.send('headers', { headers })
    },
  }
}

/** Addresses that nobody is at: `groups` of 65,536 each, or all there are. */
function madeUpAddresses(link: WireLink, count: number): GossipedAddress[] {
  const { random, world } = link.peer
  const services = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS
  return Array.from({ length: count }, () => {
    const bytes = Uint8Array.of(60 + random.below(100), random.below(256), random.below(256), 1 + random.below(254))
    return {
      timeSeconds: Math.floor(world.nowMs / 1000) - random.below(3600),
      services,
      endpoint: { address: { network: 'ipv4', bytes }, port: world.params.defaultPort },
    }
  })
}

/** Fills everybody's tables with addresses. */
export function addressFlood(): Conduct {
  return {
    name: 'address flood',
    act(link) {
      const count = link.peer.random.below(4) === 0 ? 10 : WIRE_LIMITS.addressesMax
      link.send('addrv2', { addresses: madeUpAddresses(link, count) })
    },
  }
}

/** Tells of its own kind alone, so that whoever believes it is surrounded. */
export function eclipse(own: readonly GossipedAddress['endpoint'][]): Conduct {
  const tell = (link: WireLink): void => {
    const timeSeconds = Math.floor(link.peer.world.nowMs / 1000)
    const services = SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS | SERVICES.NODE_NETWORK_LIMITED
    link.send('addrv2', { addresses: own.map(endpoint => ({ timeSeconds, services, endpoint })) })
  }
  return {
    name: 'eclipse',
    act: tell,
    onMessage(link, message) {
      if (message.command === 'getaddr') tell(link)
    },
  }
}

/** Messages that are too large, broken, or of no meaning. */
export function oversizedMessages(): Conduct {
  return {
    name: 'oversized messages',
    act(link) {
      const { random } = link.peer
      const junk = random.bytes(200)
      switch (random.below(6)) {
        case 0:
          return link.sendBytes(frameOf(link, 'block', WIRE_LIMITS.payloadBytesMax + 1))
        case 1:
          return link.sendPayload('inv', new ByteWriter(3).u8(0xfd).u16(60_000).finish())
        case 2:
          return link.sendPayload('headers', new ByteWriter(3).u8(0xfd).u16(2001).finish())
        case 3:
          return link.sendPayload('nonsense', junk)
        case 4:
          return link.sendBytes(junk)
        default: {
          const entries = Array.from({ length: 500 }, () => ({ type: 2, hash: random.bytes(32) }))
          return link.send(random.below(2) === 0 ? 'getdata' : 'inv', { entries })
        }
      }
    },
  }
}

/** A header in front of a message that never comes. */
function frameOf(link: WireLink, command: string, length: number): Uint8Array {
  const name = new Uint8Array(12)
  name.set(Array.from(command, character => character.charCodeAt(0)))
  return new ByteWriter(24).bytes(link.peer.world.params.magic).bytes(name).u32(length).u32(0).finish()
}

/** Begins messages and lets the rest wait, or says nothing at all. */
export function slowMessages(): Conduct {
  return {
    name: 'slow messages',
    greets: false,
    act(link) {
      const { random } = link.peer
      if (random.below(3) === 0) link.sendBytes(frameOf(link, 'version', 100).subarray(0, 1 + random.below(24)))
    },
  }
}
