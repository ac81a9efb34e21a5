import { concatBytes } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { invariant } from '../../base/errors.ts'
import {
  OP_0,
  OP_1,
  OP_1NEGATE,
  OP_CHECKMULTISIG,
  OP_CHECKSIG,
  OP_DUP,
  OP_EQUAL,
  OP_EQUALVERIFY,
  OP_HASH160,
  OP_PUSHDATA1,
  OP_PUSHDATA2,
  OP_PUSHDATA4,
  OP_RETURN,
} from './opcodes.ts'
import { encodeScriptNumber } from './script-number.ts'

/**
 * The push of `data` by its length alone, as Core's serialiser writes it: one byte 05 is pushed as `01 05`, not as OP_5
 * (see {@link minimalPush}).
 */
export function pushData(data: Uint8Array): Uint8Array {
  const length = data.length
  const writer = new ByteWriter(length + 5)
  if (length < OP_PUSHDATA1) writer.u8(length)
  else if (length <= 0xff) writer.u8(OP_PUSHDATA1).u8(length)
  else if (length <= 0xffff) writer.u8(OP_PUSHDATA2).u16(length)
  else writer.u8(OP_PUSHDATA4).u32(length)
  return writer.bytes(data).finish()
}

/** The push of a number: an opcode for -1 to 16, else its shortest bytes. */
export function pushNumber(value: number): Uint8Array {
  if (value === 0) return Uint8Array.of(OP_0)
  if (value === -1) return Uint8Array.of(OP_1NEGATE)
  if (value >= 1 && value <= 16) return Uint8Array.of(OP_1 - 1 + value)
  return pushData(encodeScriptNumber(value))
}

/** The shortest push of `data`, which is what MINIMALDATA asks for. */
export function minimalPush(data: Uint8Array): Uint8Array {
  if (data.length === 1 && data[0] >= 1 && data[0] <= 16) return Uint8Array.of(OP_1 - 1 + data[0])
  if (data.length === 1 && data[0] === 0x81) return Uint8Array.of(OP_1NEGATE)
  return pushData(data)
}

/**
 * A script from its parts: numbers are opcodes, arrays are pushed as data.
 *
 * @example
 * script(OP_RETURN, utf8('hello'))
 */
export function script(...parts: readonly (number | Uint8Array)[]): Uint8Array {
  return concatBytes(...parts.map(part => (typeof part === 'number' ? Uint8Array.of(part) : pushData(part))))
}

/** P2PK: a bare key of 33 or 65 bytes. */
export function payToPublicKey(publicKey: Uint8Array): Uint8Array {
  return script(publicKey, OP_CHECKSIG)
}

/** P2PKH, of a hash of 20 bytes. */
export function payToPublicKeyHash(hash: Uint8Array): Uint8Array {
  const out = new Uint8Array(25)
  out[0] = OP_DUP
  out[1] = OP_HASH160
  out[2] = 20
  for (let i = 0; i < 20; i++) out[3 + i] = hash[i]
  out[23] = OP_EQUALVERIFY
  out[24] = OP_CHECKSIG
  return out
}

/** BIP16, of a hash of 20 bytes. */
export function payToScriptHash(hash: Uint8Array): Uint8Array {
  return script(OP_HASH160, hash, OP_EQUAL)
}

/** BIP141: any witness program, of version 0 to 16 and 2 to 40 bytes. */
export function payToWitness(version: number, program: Uint8Array): Uint8Array {
  invariant(version >= 0 && version <= 16 && program.length >= 2 && program.length <= 40, 'no witness program')
  return script(version === 0 ? OP_0 : OP_1 - 1 + version, program)
}

/** P2WPKH, of a hash of 20 bytes. */
export function payToWitnessPublicKeyHash(hash: Uint8Array): Uint8Array {
  return payToWitness(0, hash)
}

/** P2WSH, of a hash of 32 bytes. */
export function payToWitnessScriptHash(hash: Uint8Array): Uint8Array {
  return payToWitness(0, hash)
}

/** BIP341, of the 32 bytes of an output key. */
export function payToTaproot(outputKey: Uint8Array): Uint8Array {
  return payToWitness(1, outputKey)
}

/** The keyless output that anyone may spend to raise a fee. */
export function payToAnchor(): Uint8Array {
  return payToWitness(1, Uint8Array.of(0x4e, 0x73))
}

/** Bare multisig. */
export function multisig(required: number, publicKeys: readonly Uint8Array[]): Uint8Array {
  const keys = publicKeys.map(key => pushData(key))
  return concatBytes(pushNumber(required), ...keys, pushNumber(keys.length), Uint8Array.of(OP_CHECKMULTISIG))
}

/** An output that carries data and can never be spent. */
export function nullData(...items: readonly Uint8Array[]): Uint8Array {
  return script(OP_RETURN, ...items)
}
