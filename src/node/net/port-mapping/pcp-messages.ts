import { concatBytes, equalBytes } from '../../../base/bytes/bytes.ts'
import {
  decodeLegacyAddress,
  encodeLegacyAddress,
  type NetAddress,
  type NetEndpoint,
} from '../../../bitcoin/wire/net-address.ts'

/** RFC 6887: bytes by which a router knows whose mapping it is. */
export const PCP_NONCE_SIZE = 12

const VERSION = 2
const OPCODE_MAP = 1
const RESPONSE_BIT = 0x80
const PROTOCOL_TCP = 6
const MESSAGE_SIZE = 60

export const PCP_RESULT_UNSUPPORTED_VERSION = 1

const RESULTS: Readonly<Record<number, string>> = {
  0: 'SUCCESS',
  1: 'UNSUPP_VERSION',
  2: 'NOT_AUTHORIZED',
  3: 'MALFORMED_REQUEST',
  4: 'UNSUPP_OPCODE',
  5: 'UNSUPP_OPTION',
  6: 'MALFORMED_OPTION',
  7: 'NETWORK_FAILURE',
  8: 'NO_RESOURCES',
  9: 'UNSUPP_PROTOCOL',
  10: 'USER_EX_QUOTA',
  11: 'CANNOT_PROVIDE_EXTERNAL',
  12: 'ADDRESS_MISMATCH',
  13: 'EXCESSIVE_REMOTE_PEER',
}

export interface PcpRequest {
  readonly nonce: Uint8Array
  /** The address of ours that asks. */
  readonly from: NetAddress
  readonly port: number
  readonly lifetimeSeconds: number
}

/** A router's answer. */
export type PcpAnswer =
  | { readonly type: 'mapped'; readonly external: NetEndpoint; readonly lifetimeSeconds: number }
  | { readonly type: 'refused'; readonly result: string; readonly isOldVersion: boolean }

/** RFC 6887, section 11.1: asks for a mapping of TCP; any external address will do, the same port is best. */
export function encodePcpMap(request: PcpRequest): Uint8Array {
  const { nonce, from, port, lifetimeSeconds } = request
  const head = new Uint8Array(8)
  head.set([VERSION, OPCODE_MAP])
  new DataView(head.buffer).setUint32(4, lifetimeSeconds)
  const ports = Uint8Array.of(port >>> 8, port & 255)
  const any: NetAddress = { network: from.network, bytes: new Uint8Array(from.bytes.length) }
  const protocol = Uint8Array.of(PROTOCOL_TCP, 0, 0, 0)
  return concatBytes(head, encodeLegacyAddress(from), nonce, protocol, ports, ports, encodeLegacyAddress(any))
}

/** What a datagram answers to a request; undefined where it is none for it. */
export function decodePcpMap(datagram: Uint8Array, request: Pick<PcpRequest, 'nonce' | 'port'>): PcpAnswer | undefined {
  if (datagram.length < 8) return undefined
  // A router of old answers in the form that it knows, NAT-PMP's.
  if (datagram[0] === 0) return refusal(PCP_RESULT_UNSUPPORTED_VERSION)
  if (datagram[1] !== (RESPONSE_BIT | OPCODE_MAP)) return undefined
  const result = datagram[3]
  if (datagram[0] !== VERSION || result === PCP_RESULT_UNSUPPORTED_VERSION) {
    return result === PCP_RESULT_UNSUPPORTED_VERSION ? refusal(result) : undefined
  }
  if (datagram.length < MESSAGE_SIZE) return undefined
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length)
  if (!equalBytes(datagram.subarray(24, 24 + PCP_NONCE_SIZE), request.nonce)) return undefined
  if (datagram[36] !== PROTOCOL_TCP || view.getUint16(40) !== request.port) return undefined
  if (result !== 0) return refusal(result)
  const address = decodeLegacyAddress(datagram.subarray(44, MESSAGE_SIZE))
  return { type: 'mapped', external: { address, port: view.getUint16(42) }, lifetimeSeconds: view.getUint32(4) }
}

function refusal(code: number): PcpAnswer {
  const result = RESULTS[code] ?? `unknown (${code})`
  return { type: 'refused', result, isOldVersion: code === PCP_RESULT_UNSUPPORTED_VERSION }
}
