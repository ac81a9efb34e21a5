import { InvariantError } from '../../base/errors.ts'
import { assembleBlock, solveBlock } from '../../bitcoin/mining/assemble-block.ts'
import { blockTemplate } from '../../bitcoin/mining/block-template.ts'
import { HEADER_SIZE } from '../../bitcoin/primitives/block.ts'
import { encodeTransaction } from '../../bitcoin/primitives/transaction.ts'
import { parseTransaction, type TxTable } from '../../bitcoin/primitives/tx-table.ts'
import type { SimNode } from '../sim-node.ts'
import type { WirePeer } from './wire-peer.ts'

/** What is wrong with a block whose header is sound: the reject reasons that it earns. */
export const BLOCK_FAULTS = [
  'none',
  'bad-cb-amount',
  'bad-cb-height',
  'bad-txns-inputs-missingorspent',
  'time-too-new',
  'bad-txnmrklroot',
  'bad-witness-merkle-match',
] as const

export type BlockFault = (typeof BLOCK_FAULTS)[number]

const TRIES_MAX = 0x1_0000_0000
const THREE_HOURS_SECONDS = 3 * 60 * 60

/** A transaction that spends what never was. */
function baseless(peer: WirePeer): TxTable {
  const bytes = encodeTransaction({
    version: 2,
    inputs: [{ txid: peer.random.bytes(32), index: 0, scriptSig: new Uint8Array(0), sequence: 0, witness: [] }],
    outputs: [{ valueSats: 1000n, script: Uint8Array.of(0x51) }],
    lockTime: 0,
  })
  const parsed = parseTransaction(bytes)
  if (!parsed.ok) throw new InvariantError(parsed.code)
  return parsed.value
}

/** Changes a byte of a block's coinbase: of the height's script, or of the witness. */
function spoil(block: Uint8Array, part: 'script' | 'witness'): Uint8Array {
  const spoilt = block.slice()
  // The witness's 32 bytes stand before the lock time at the coinbase's end; the script begins behind version, marker, counts and outpoint.
  const at = part === 'witness' ? spoilt.length - 10 : HEADER_SIZE + 1 + 4 + 2 + 1 + 36 + 1 + 1
  spoilt[at] ^= 1
  return spoilt
}

/** A block on top of a node's tip, with its proof of work, and with a fault. */
export function forgeBlock(peer: WirePeer, node: SimNode, fault: BlockFault): Uint8Array {
  const { chain, deployments } = node.ledger
  const now = Math.floor(peer.world.nowMs / 1000)
  const sound = blockTemplate(chain.index, chain.tip, chain.params, deployments, now)
  const template = {
    ...sound,
    time: fault === 'time-too-new' ? now + THREE_HOURS_SECONDS : sound.time,
    height: fault === 'bad-cb-height' ? sound.height - 1 : sound.height,
  }
  const contents = {
    script: peer.random.bytes(20),
    feesSats: fault === 'bad-cb-amount' ? 1 : 0,
    transactions: fault === 'bad-txns-inputs-missingorspent' ? [baseless(peer)] : [],
  }
  const block = assembleBlock(template, contents, peer.crypto)
  solveBlock(block, template.bits, TRIES_MAX, peer.crypto)
  return mutateBlock(block, fault)
}

/** Another block with the same header, as a liar between two honest peers would make it. */
export function mutateBlock(block: Uint8Array, fault: BlockFault): Uint8Array {
  if (fault === 'bad-txnmrklroot') return spoil(block, 'script')
  if (fault === 'bad-witness-merkle-match') return spoil(block, 'witness')
  return block
}
