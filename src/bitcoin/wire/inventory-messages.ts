import { reject } from '../../base/verdict.ts'
import { MAX_SIZE } from '../primitives/tx-table.ts'
import {
  LOCATOR_TOO_LONG,
  MALFORMED,
  type MessageCodec,
  messageCodec,
  PROTOCOL_VIOLATION,
  readCount,
  readHashes,
  writeHashes,
} from './codec.ts'
import { WIRE_LIMITS } from './limits.ts'

/** BIP144: asks for the form with witness. */
const WITNESS_FLAG = 1 << 30

/** What an inventory entry is about; the names are Core's. */
export const INVENTORY = {
  MSG_TX: 1,
  MSG_BLOCK: 2,
  /** BIP37 */
  MSG_FILTERED_BLOCK: 3,
  /** BIP152 */
  MSG_CMPCT_BLOCK: 4,
  /** BIP339 */
  MSG_WTX: 5,
  MSG_WITNESS_TX: 1 | WITNESS_FLAG,
  MSG_WITNESS_BLOCK: 2 | WITNESS_FLAG,
} as const

/** A block or transaction by its hash. Types that nobody knows pass as they are. */
export interface InventoryEntry {
  readonly type: number
  /** Internal byte order. */
  readonly hash: Uint8Array
}

export interface InventoryMessage {
  readonly entries: readonly InventoryEntry[]
}

const ENTRY_SIZE = 36

function inventoryCodec(command: string, excess: string): MessageCodec<InventoryMessage> {
  return messageCodec<InventoryMessage>(
    (writer, { entries }) => {
      writer.compactSize(entries.length)
      for (const { type, hash } of entries) writer.u32(type).bytes(hash)
    },
    reader => {
      const count = readCount(reader, ENTRY_SIZE, MAX_SIZE)
      if (count > WIRE_LIMITS.inventoryMax) return reject(excess, `${command} message size = ${count}`)
      return { entries: Array.from({ length: count }, () => ({ type: reader.u32(), hash: reader.bytes(32) })) }
    },
  )
}

export const invCodec = inventoryCodec('inv', PROTOCOL_VIOLATION)
export const getdataCodec = inventoryCodec('getdata', PROTOCOL_VIOLATION)
/** Nobody is blamed for saying too often that they have nothing. */
export const notfoundCodec = inventoryCodec('notfound', MALFORMED)

/** Asks for what follows the newest block that both sides know. */
export interface LocatorMessage {
  /** Of the protocol; nobody uses it. */
  readonly version: number
  /** Hashes of blocks of the sender's chain, from the tip downward in growing steps. */
  readonly locator: readonly Uint8Array[]
  /** Where to stop; zeros for as far as it goes. */
  readonly stopHash: Uint8Array
}

function locatorCodec(command: string): MessageCodec<LocatorMessage> {
  return messageCodec<LocatorMessage>(
    (writer, { version, locator, stopHash }) => {
      writeHashes(writer.u32(version), locator)
      writer.bytes(stopHash)
    },
    reader => {
      const version = reader.i32()
      const count = readCount(reader, 32, MAX_SIZE)
      const { locatorHashesMax } = WIRE_LIMITS
      if (count > locatorHashesMax) {
        return reject(LOCATOR_TOO_LONG, `${command} locator size ${count} > ${locatorHashesMax}`)
      }
      return { version, locator: readHashes(reader, count), stopHash: reader.bytes(32) }
    },
  )
}

export const getblocksCodec = locatorCodec('getblocks')
export const getheadersCodec = locatorCodec('getheaders')
