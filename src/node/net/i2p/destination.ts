import { sha256 } from '../../../base/crypto/hash.ts'
import { OperationError } from '../../../base/errors.ts'
import type { NetEndpoint } from '../../../bitcoin/wire/net-address.ts'

/** SAM 3.1 knows no ports. */
export const I2P_SAM31_PORT = 0

/** I2P's common structures: a destination ends with a certificate, whose length stands here. */
const CERTIFICATE_LENGTH_AT = 385
const DESTINATION_SIZE_MIN = 387

/** I2P's base64 has `-` and `~` for `+` and `/`. */
export function toI2pBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '~')
}

/** Undefined where the text is none. */
export function fromI2pBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[0-9A-Za-z~-]+={0,2}$/.test(text)) return undefined
  return new Uint8Array(Buffer.from(text.replaceAll('-', '+').replaceAll('~', '/'), 'base64'))
}

/** The destination that a private key, as SAM has it, begins with; throws OperationError `i2p-key-invalid`. */
export function destinationOfKey(key: Uint8Array): Uint8Array {
  const certificateLength = (key[CERTIFICATE_LENGTH_AT] << 8) | key[CERTIFICATE_LENGTH_AT + 1]
  const length = DESTINATION_SIZE_MIN + certificateLength
  if (key.length < DESTINATION_SIZE_MIN || key.length < length) {
    const next = 'remove i2p_private_key: a new key, with a new address, is made'
    throw new OperationError('i2p-key-invalid', `The private key is too short (${key.length} bytes)`, { next })
  }
  return key.subarray(0, length)
}

/** Where a destination is reached: the hash of it is its address. */
export function endpointOfDestination(destination: Uint8Array): NetEndpoint {
  return { address: { network: 'i2p', bytes: sha256(destination) }, port: I2P_SAM31_PORT }
}
