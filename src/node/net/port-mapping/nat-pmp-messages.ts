const OPCODE_EXTERNAL_ADDRESS = 0
const OPCODE_MAP_TCP = 2
const RESPONSE_BIT = 0x80

/** RFC 6886: what a router answers; `value` where it did what it was asked. */
export interface NatPmpAnswer<T> {
  readonly resultCode: number
  readonly value: T | undefined
}

/** RFC 6886, section 3.2: asks for the router's address outside. */
export function encodeExternalAddressRequest(): Uint8Array {
  return Uint8Array.of(0, OPCODE_EXTERNAL_ADDRESS)
}

/** RFC 6886, section 3.3: asks for a mapping of TCP, the same port outside if possible. */
export function encodeNatPmpMap(port: number, lifetimeSeconds: number): Uint8Array {
  const message = new Uint8Array(12)
  const view = new DataView(message.buffer)
  message[1] = OPCODE_MAP_TCP
  view.setUint16(4, port)
  view.setUint16(6, port)
  view.setUint32(8, lifetimeSeconds)
  return message
}

function answer<T>(
  datagram: Uint8Array,
  opcode: number,
  size: number,
  read: (view: DataView) => T | undefined,
): NatPmpAnswer<T> | undefined {
  if (datagram.length < 4 || datagram[0] !== 0 || datagram[1] !== (RESPONSE_BIT | opcode)) return undefined
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length)
  const resultCode = view.getUint16(2)
  if (resultCode !== 0) return { resultCode, value: undefined }
  if (datagram.length < size) return undefined
  const value = read(view)
  return value === undefined ? undefined : { resultCode, value }
}

/** The router's address outside, 4 bytes; undefined where the datagram does not tell. */
export function decodeExternalAddress(datagram: Uint8Array): NatPmpAnswer<Uint8Array> | undefined {
  return answer(datagram, OPCODE_EXTERNAL_ADDRESS, 12, () => datagram.slice(8, 12))
}

/** The mapping of a port; undefined where the datagram is about something else. */
export function decodeNatPmpMap(
  datagram: Uint8Array,
  port: number,
): NatPmpAnswer<{ readonly externalPort: number; readonly lifetimeSeconds: number }> | undefined {
  return answer(datagram, OPCODE_MAP_TCP, 16, view =>
    view.getUint16(8) === port ? { externalPort: view.getUint16(10), lifetimeSeconds: view.getUint32(12) } : undefined,
  )
}
