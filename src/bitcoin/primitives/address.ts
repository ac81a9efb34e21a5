import { concatBytes, emptyBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { decodeBase58, decodeBase58Check, encodeBase58Check } from '../../base/encoding/base58.ts'
import { decodeBech32, encodeBech32, fromFiveBits, toFiveBits } from '../../base/encoding/bech32.ts'
import { locateBech32Errors } from '../../base/encoding/bech32-errors.ts'

/** What tells one network's addresses and keys from another's; each prefix is the leading bytes before base58check. */
export interface AddressPrefixes {
  readonly bech32Hrp: string
  readonly pubkeyHash: Uint8Array
  readonly scriptHash: Uint8Array
  readonly secretKey: Uint8Array
  readonly xpub: Uint8Array
  readonly xprv: Uint8Array
}

/** What an address stands for: the part of an output script that is not template. */
export type Destination =
  | { readonly type: 'pubkeyhash'; readonly hash: Uint8Array }
  | { readonly type: 'scripthash'; readonly hash: Uint8Array }
  | { readonly type: 'witness'; readonly version: number; readonly program: Uint8Array }

/** Why a text is no address of the network, in Bitcoin Core's words; `positions` are likely wrong characters. */
export interface AddressError {
  readonly message: string
  readonly positions: readonly number[]
}

export type DecodedAddress =
  | { readonly ok: true; readonly destination: Destination }
  | ({ readonly ok: false } & AddressError)

/** BIP141: sizes of a witness program. */
export const WITNESS_PROGRAM_SIZE_MIN = 2
export const WITNESS_PROGRAM_SIZE_MAX = 40

const HASH_SIZE = 20
const OP_1 = 0x51

/** The output script of a destination. */
export function destinationScript(destination: Destination): Uint8Array {
  switch (destination.type) {
    case 'pubkeyhash':
      return concatBytes(Uint8Array.of(0x76, 0xa9, 0x14), destination.hash, Uint8Array.of(0x88, 0xac))
    case 'scripthash':
      return concatBytes(Uint8Array.of(0xa9, 0x14), destination.hash, Uint8Array.of(0x87))
    case 'witness': {
      const { version, program } = destination
      return concatBytes(Uint8Array.of(version === 0 ? 0 : OP_1 + version - 1, program.length), program)
    }
  }
}

/** The destination of an output script; `undefined` where no address stands for it. */
export function scriptDestination(script: Uint8Array): Destination | undefined {
  const size = script.length
  if (size === 25 && script[0] === 0x76 && script[1] === 0xa9 && script[2] === 0x14) {
    if (script[23] === 0x88 && script[24] === 0xac) return { type: 'pubkeyhash', hash: script.slice(3, 23) }
  }
  if (size === 23 && script[0] === 0xa9 && script[1] === 0x14 && script[22] === 0x87) {
    return { type: 'scripthash', hash: script.slice(2, 22) }
  }
  if (
    size >= 4 &&
    size <= 42 &&
    script[1] === size - 2 &&
    (script[0] === 0 || (script[0] >= OP_1 && script[0] <= 0x60))
  ) {
    const version = script[0] === 0 ? 0 : script[0] - OP_1 + 1
    // BIP141: version 0 has two forms only; anything else of it can never be spent.
    if (version === 0 && size !== 22 && size !== 34) return undefined
    return { type: 'witness', version, program: script.slice(2) }
  }
  return undefined
}

export function encodeAddress(destination: Destination, prefixes: AddressPrefixes): string {
  switch (destination.type) {
    case 'pubkeyhash':
      return encodeBase58Check(concatBytes(prefixes.pubkeyHash, destination.hash))
    case 'scripthash':
      return encodeBase58Check(concatBytes(prefixes.scriptHash, destination.hash))
    case 'witness': {
      const { version, program } = destination
      return encodeBech32(version === 0 ? 'bech32' : 'bech32m', prefixes.bech32Hrp, [version, ...toFiveBits(program)])
    }
  }
}

/** The address of an output script; `undefined` where it has none. */
export function scriptAddress(script: Uint8Array, prefixes: AddressPrefixes): string | undefined {
  const destination = scriptDestination(script)
  return destination === undefined ? undefined : encodeAddress(destination, prefixes)
}

function refuse(message: string, positions: readonly number[] = []): DecodedAddress {
  return { ok: false, message, positions }
}

function startsWith(data: Uint8Array, prefix: Uint8Array): boolean {
  return data.length >= prefix.length && equalBytes(data.subarray(0, prefix.length), prefix)
}

/**
 * Reads an address of the network; messages are those of Bitcoin Core's `validateaddress`.
 *
 * @example
 * const address = decodeAddress('bcrt1q…', regtest.addressPrefixes)
 * if (address.ok) pay(destinationScript(address.destination))
 */
export function decodeAddress(text: string, prefixes: AddressPrefixes): DecodedAddress {
  const hrp = prefixes.bech32Hrp
  return text.slice(0, hrp.length).toLowerCase() === hrp
    ? decodeWitness(text, hrp)
    : decodeBase58Address(text, prefixes)
}

function decodeBase58Address(text: string, prefixes: AddressPrefixes): DecodedAddress {
  const data = decodeBase58Check(text, HASH_SIZE + 1)
  if (data === undefined) {
    return refuse(
      decodeBase58(text, 100) === undefined
        ? 'Invalid or unsupported Segwit (Bech32) or Base58 encoding.'
        : 'Invalid checksum or length of Base58 address (P2PKH or P2SH)',
    )
  }
  const forms = [
    { prefix: prefixes.pubkeyHash, type: 'pubkeyhash' },
    { prefix: prefixes.scriptHash, type: 'scripthash' },
  ] as const
  for (const { prefix, type } of forms) {
    if (startsWith(data, prefix) && data.length === HASH_SIZE + prefix.length) {
      return { ok: true, destination: { type, hash: data.slice(prefix.length) } }
    }
  }
  return refuse(
    forms.some(form => startsWith(data, form.prefix))
      ? 'Invalid length for Base58 address (P2PKH or P2SH)'
      : 'Invalid or unsupported Base58-encoded address.',
  )
}

function decodeWitness(text: string, hrp: string): DecodedAddress {
  const decoded = decodeBech32(text)
  if (decoded === undefined) {
    const fault = locateBech32Errors(text)
    return refuse(fault.message, fault.positions)
  }
  if (decoded.values.length === 0) return refuse('Empty Bech32 data section')
  if (decoded.hrp !== hrp) {
    return refuse(`Invalid or unsupported prefix for Segwit (Bech32) address (expected ${hrp}, got ${decoded.hrp}).`)
  }
  const version = decoded.values[0]
  if (version === 0 && decoded.encoding !== 'bech32') {
    return refuse('Version 0 witness address must use Bech32 checksum')
  }
  if (version !== 0 && decoded.encoding !== 'bech32m') {
    return refuse('Version 1+ witness address must use Bech32m checksum')
  }
  const program = fromFiveBits(decoded.values.slice(1))
  if (program === undefined) return refuse('Invalid padding in Bech32 data section')
  const size = `${program.length} ${program.length === 1 ? 'byte' : 'bytes'}`
  if (version === 0 && program.length !== 20 && program.length !== 32) {
    return refuse(`Invalid Bech32 v0 address program size (${size}), per BIP141`)
  }
  if (version > 16) return refuse('Invalid Bech32 address witness version')
  if (program.length < WITNESS_PROGRAM_SIZE_MIN || program.length > WITNESS_PROGRAM_SIZE_MAX) {
    return refuse(`Invalid Bech32 address program size (${size})`)
  }
  return { ok: true, destination: { type: 'witness', version, program } }
}

/** A secret key as wallets pass it on: 32 bytes, and whether its public key is meant in compressed form. */
export interface SecretKeyText {
  readonly secret: Uint8Array
  readonly compressed: boolean
}

/** WIF (wallet import format) of a secret key. */
export function encodeSecretKey(key: SecretKeyText, prefixes: AddressPrefixes): string {
  return encodeBase58Check(
    concatBytes(prefixes.secretKey, key.secret, key.compressed ? Uint8Array.of(1) : emptyBytes()),
  )
}

/** The secret key of a WIF text of the network; `undefined` where it is none. Whether it is in range is the curve's affair. */
export function decodeSecretKey(text: string, prefixes: AddressPrefixes): SecretKeyText | undefined {
  const prefix = prefixes.secretKey
  const data = decodeBase58Check(text, prefix.length + 33)
  if (data === undefined || !startsWith(data, prefix)) return undefined
  const compressed = data.length === prefix.length + 33 && data[data.length - 1] === 1
  if (!compressed && data.length !== prefix.length + 32) return undefined
  return { secret: data.slice(prefix.length, prefix.length + 32), compressed }
}
