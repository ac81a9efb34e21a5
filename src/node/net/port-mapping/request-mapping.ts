import { OperationError } from '../../../base/errors.ts'
import type { AskByDatagram } from '../../../base/ports/datagrams.ts'
import type { SocketAddress } from '../../../base/ports/net.ts'
import type { NetEndpoint } from '../../../bitcoin/wire/net-address.ts'
import { parseNetAddress } from '../../../bitcoin/wire/net-address-text.ts'
import {
  decodeExternalAddress,
  decodeNatPmpMap,
  encodeExternalAddressRequest,
  encodeNatPmpMap,
} from './nat-pmp-messages.ts'
import { decodePcpMap, encodePcpMap } from './pcp-messages.ts'

const TRIES = 3
const TIMEOUT_MS = 1000

/** A mapping to ask for. */
export interface MappingRequest {
  readonly gateway: SocketAddress
  /** The address of ours to be reached; undefined for the one that leads to the gateway. */
  readonly from: string | undefined
  readonly port: number
  readonly lifetimeSeconds: number
  /** RFC 6887: the same for all mappings of a run. */
  readonly nonce: Uint8Array
}

export interface Mapping {
  readonly external: NetEndpoint
  readonly lifetimeSeconds: number
}

function refused(protocol: string, result: string): OperationError {
  return new OperationError('mapping-refused', `${protocol}: Mapping failed with result ${result}`)
}

/** Asks by PCP, else by NAT-PMP; rejects with OperationError `no-answer` or `mapping-refused`. */
export async function requestMapping(ask: AskByDatagram, request: MappingRequest): Promise<Mapping> {
  const { gateway: to, from, port, nonce, lifetimeSeconds } = request
  const datagram = await ask({
    to,
    from,
    ask: address => encodePcpMap({ nonce, from: parseNetAddress(address)!, port, lifetimeSeconds }),
    isAnswer: answer => decodePcpMap(answer, request) !== undefined,
    tries: TRIES,
    timeoutMs: TIMEOUT_MS,
  })
  const answer = decodePcpMap(datagram, request)!
  if (answer.type === 'mapped') return { external: answer.external, lifetimeSeconds: answer.lifetimeSeconds }
  if (!answer.isOldVersion || to.host.includes(':')) throw refused('pcp', answer.result)
  return requestByNatPmp(ask, request)
}

/** RFC 6886: the router's address, then the port. */
async function requestByNatPmp(ask: AskByDatagram, request: MappingRequest): Promise<Mapping> {
  const { gateway: to, from, port, lifetimeSeconds } = request
  const patience = { to, from, tries: TRIES, timeoutMs: TIMEOUT_MS }
  const outside = decodeExternalAddress(
    await ask({
      ...patience,
      ask: encodeExternalAddressRequest,
      isAnswer: answer => decodeExternalAddress(answer) !== undefined,
    }),
  )!
  if (outside.value === undefined) throw refused('natpmp', String(outside.resultCode))
  const mapping = decodeNatPmpMap(
    await ask({
      ...patience,
      ask: () => encodeNatPmpMap(port, lifetimeSeconds),
      isAnswer: answer => decodeNatPmpMap(answer, port) !== undefined,
    }),
    port,
  )!
  if (mapping.value === undefined) throw refused('natpmp', String(mapping.resultCode))
  const address = { network: 'ipv4', bytes: outside.value } as const
  return {
    external: { address, port: mapping.value.externalPort },
    lifetimeSeconds: mapping.value.lifetimeSeconds,
  }
}
