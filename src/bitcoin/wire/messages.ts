import { accept, type Verdict } from '../../base/verdict.ts'
import { type AddressesMessage, addrCodec, addrv2Codec } from './address-messages.ts'
import {
  blockCodec,
  type HeadersMessage,
  headersCodec,
  type MerkleBlockMessage,
  merkleblockCodec,
  type RawMessage,
  txCodec,
} from './block-messages.ts'
import type { MessageCodec } from './codec.ts'
import {
  type BlockTransactionsMessage,
  type BlockTransactionsRequest,
  blocktxnCodec,
  type CompactBlockMessage,
  cmpctblockCodec,
  getblocktxnCodec,
  type SendCompactMessage,
  sendcmpctCodec,
} from './compact-block-messages.ts'
import {
  cfcheckptCodec,
  cfheadersCodec,
  cfilterCodec,
  type FilterCheckpointMessage,
  type FilterCheckpointRequest,
  type FilterHeadersMessage,
  type FilterMessage,
  type FilterRangeMessage,
  getcfcheckptCodec,
  getcfheadersCodec,
  getcfiltersCodec,
} from './filter-messages.ts'
import {
  getblocksCodec,
  getdataCodec,
  getheadersCodec,
  type InventoryMessage,
  invCodec,
  type LocatorMessage,
  notfoundCodec,
} from './inventory-messages.ts'
import {
  type EmptyMessage,
  emptyCodec,
  type FeeFilterMessage,
  type FilterAddMessage,
  type FilterLoadMessage,
  feefilterCodec,
  filteraddCodec,
  filterloadCodec,
  type PingMessage,
  type PongMessage,
  pingCodec,
  pongCodec,
  type SendReconciliationMessage,
  sendtxrcnclCodec,
} from './small-messages.ts'
import { type VersionMessage, versionCodec } from './version-message.ts'

/** The messages of protocol 70016, by command, with what each says. */
export interface Messages {
  version: VersionMessage
  verack: EmptyMessage
  addr: AddressesMessage
  addrv2: AddressesMessage
  sendaddrv2: EmptyMessage
  inv: InventoryMessage
  getdata: InventoryMessage
  merkleblock: MerkleBlockMessage
  getblocks: LocatorMessage
  getheaders: LocatorMessage
  tx: RawMessage
  headers: HeadersMessage
  block: RawMessage
  getaddr: EmptyMessage
  mempool: EmptyMessage
  ping: PingMessage
  pong: PongMessage
  notfound: InventoryMessage
  filterload: FilterLoadMessage
  filteradd: FilterAddMessage
  filterclear: EmptyMessage
  sendheaders: EmptyMessage
  feefilter: FeeFilterMessage
  sendcmpct: SendCompactMessage
  cmpctblock: CompactBlockMessage
  getblocktxn: BlockTransactionsRequest
  blocktxn: BlockTransactionsMessage
  getcfilters: FilterRangeMessage
  cfilter: FilterMessage
  getcfheaders: FilterRangeMessage
  cfheaders: FilterHeadersMessage
  getcfcheckpt: FilterCheckpointRequest
  cfcheckpt: FilterCheckpointMessage
  wtxidrelay: EmptyMessage
  sendtxrcncl: SendReconciliationMessage
}

export type Command = keyof Messages

/** How each message is written and read. */
export const MESSAGE_CODECS: { readonly [C in Command]: MessageCodec<Messages[C]> } = {
  version: versionCodec,
  verack: emptyCodec,
  addr: addrCodec,
  addrv2: addrv2Codec,
  sendaddrv2: emptyCodec,
  inv: invCodec,
  getdata: getdataCodec,
  merkleblock: merkleblockCodec,
  getblocks: getblocksCodec,
  getheaders: getheadersCodec,
  tx: txCodec,
  headers: headersCodec,
  block: blockCodec,
  getaddr: emptyCodec,
  mempool: emptyCodec,
  ping: pingCodec,
  pong: pongCodec,
  notfound: notfoundCodec,
  filterload: filterloadCodec,
  filteradd: filteraddCodec,
  filterclear: emptyCodec,
  sendheaders: emptyCodec,
  feefilter: feefilterCodec,
  sendcmpct: sendcmpctCodec,
  cmpctblock: cmpctblockCodec,
  getblocktxn: getblocktxnCodec,
  blocktxn: blocktxnCodec,
  getcfilters: getcfiltersCodec,
  cfilter: cfilterCodec,
  getcfheaders: getcfheadersCodec,
  cfheaders: cfheadersCodec,
  getcfcheckpt: getcfcheckptCodec,
  cfcheckpt: cfcheckptCodec,
  wtxidrelay: emptyCodec,
  sendtxrcncl: sendtxrcnclCodec,
}

/** A message that is understood: one of many shapes, told apart by `command`. */
export type KnownMessage = { readonly [C in Command]: { readonly command: C; readonly value: Messages[C] } }[Command]

/** A message of a command that is not; it passes as it is. */
export interface UnknownMessage {
  readonly command: undefined
  readonly name: string
  readonly payload: Uint8Array
}

export type Message = KnownMessage | UnknownMessage

export function isKnownCommand(command: string): command is Command {
  return Object.hasOwn(MESSAGE_CODECS, command)
}

/**
 * The payload of a message.
 *
 * @example
 * transport.send('ping', encodePayload('ping', { nonce }))
 */
export function encodePayload<C extends Command>(command: C, value: Messages[C]): Uint8Array {
  return MESSAGE_CODECS[command].encode(value)
}

/**
 * What a message says; see MessageCodec for views and consequenceOf for rejections.
 *
 * @example
 * const decoded = decodeMessage(command, payload)
 * if (!decoded.ok) return consequenceOf(decoded.code)
 * if (decoded.value.command === 'ping') answer(decoded.value.value.nonce)
 */
export function decodeMessage(command: string, payload: Uint8Array): Verdict<Message> {
  if (!isKnownCommand(command)) return accept({ command: undefined, name: command, payload })
  const decoded = MESSAGE_CODECS[command].decode(payload)
  return decoded.ok ? accept({ command, value: decoded.value } as KnownMessage) : decoded
}
