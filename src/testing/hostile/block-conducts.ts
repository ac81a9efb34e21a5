import { HEADER_SIZE } from '../../bitcoin/primitives/block.ts'
import { INVENTORY } from '../../bitcoin/wire/inventory-messages.ts'
import type { Message } from '../../bitcoin/wire/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { BLOCK_FAULTS, forgeBlock, mutateBlock } from './forge-block.ts'
import type { Conduct, WireLink } from './wire-peer.ts'

const BLOCK_TYPES: readonly number[] = [INVENTORY.MSG_BLOCK, INVENTORY.MSG_WITNESS_BLOCK, INVENTORY.MSG_CMPCT_BLOCK]
/** Blocks that a peer remembers having announced. */
const ANNOUNCED_MAX = 20

function pick<T>(link: WireLink, values: readonly T[]): T {
  return values[link.peer.random.below(values.length)]
}

/** Some node whose chain can be built on. */
function anyNode({ peer }: WireLink): SimNode | undefined {
  const running = peer.world.all.filter(node => node.isRunning)
  return running[peer.random.below(Math.max(running.length, 1))]
}

/** The last block of some node. */
function honestBlock(link: WireLink): Uint8Array | undefined {
  const chain = anyNode(link)?.ledger.chain
  return chain === undefined || chain.tip < 0 ? undefined : chain.readBlock(chain.tip).bytes
}

/** Keeps what it announced, to give when it is asked. */
class Announced {
  readonly #blocks: Uint8Array[] = []

  add(block: Uint8Array): void {
    this.#blocks.push(block)
    if (this.#blocks.length > ANNOUNCED_MAX) this.#blocks.shift()
  }

  answer(link: WireLink, message: Message): void {
    if (message.command !== 'getdata') return
    for (const { type, hash } of message.value.entries) {
      if (!BLOCK_TYPES.includes(type)) continue
      const wanted = this.#blocks.find(block => {
        const own = link.peer.crypto.sha256d(block.subarray(0, HEADER_SIZE))
        return own.every((byte, i) => byte === hash[i])
      })
      if (wanted !== undefined) link.send('block', { bytes: wanted })
    }
  }
}

/** Sends blocks that break a rule, announced or unasked. */
export function invalidBlocks(): Conduct {
  const announced = new Announced()
  return {
    name: 'invalid blocks',
    act(link) {
      const node = anyNode(link)
      if (node === undefined) return
      const block = forgeBlock(link.peer, node, pick(link, BLOCK_FAULTS))
      announced.add(block)
      if (link.peer.random.below(2) === 0) link.send('headers', { headers: block.slice(0, HEADER_SIZE) })
      else link.send('block', { bytes: block })
    },
    onMessage: (link, message) => announced.answer(link, message),
  }
}

/** Gives honest blocks with a byte changed, before others give them as they are. */
export function mutatedBlocks(): Conduct {
  const announced = new Announced()
  return {
    name: 'mutated blocks',
    act(link) {
      const block = honestBlock(link)
      if (block === undefined) return
      const mutated = mutateBlock(block, pick(link, ['bad-txnmrklroot', 'bad-witness-merkle-match']))
      announced.add(mutated)
      link.send('headers', { headers: block.slice(0, HEADER_SIZE) })
      if (link.peer.random.below(2) === 0) link.send('block', { bytes: mutated })
    },
    onMessage: (link, message) => announced.answer(link, message),
  }
}

/** Announces blocks, its own and others', and gives none of them. */
export function stalling(): Conduct {
  return {
    name: 'stalling',
    act(link) {
      const node = anyNode(link)
      if (node === undefined) return
      const block = link.peer.random.below(2) === 0 ? honestBlock(link) : forgeBlock(link.peer, node, 'none')
      if (block === undefined) return
      link.send('headers', { headers: block.slice(0, HEADER_SIZE) })
    },
  }
}

/** Finds blocks and gives each to one node alone. */
export function withholding(): Conduct {
  return {
    name: 'withholding',
    act(link) {
      const { victim } = link
      if (victim === undefined || link.peer.random.below(4) > 0) return
      link.send('block', { bytes: forgeBlock(link.peer, victim, 'none') })
    },
  }
}

/** Compact blocks that cannot be completed, or are none. */
export function compactBlockAbuse(): Conduct {
  return {
    name: 'compact-block abuse',
    act(link) {
      const node = anyNode(link)
      if (node === undefined) return
      const { random } = link.peer
      const isOwn = random.below(2) === 0
      const block = isOwn ? forgeBlock(link.peer, node, pick(link, BLOCK_FAULTS)) : honestBlock(link)
      if (block === undefined) return
      const shortIds = Float64Array.from({ length: random.below(4) }, () => random.below(0x1_0000_0000))
      // The coinbase stands behind the header and the count.
      const coinbase = block.slice(HEADER_SIZE + 1)
      link.send('cmpctblock', {
        header: block.slice(0, HEADER_SIZE),
        nonce: random.u64(),
        shortIds,
        prefilled: random.below(4) === 0 ? [] : [{ gap: random.below(8) === 0 ? 60_000 : 0, transaction: coinbase }],
      })
    },
    onMessage(link, message) {
      if (message.command !== 'getblocktxn' || link.peer.random.below(2) === 0) return
      link.send('blocktxn', { blockHash: message.value.blockHash, transactions: [] })
    },
  }
}
