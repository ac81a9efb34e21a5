import { toHex } from '../../base/bytes/bytes.ts'
import { HARDENED_INDEX } from '../../base/crypto/hardened-index.ts'
import { hash160 } from '../../base/crypto/hash.ts'
import type { AddressPrefixes } from '../primitives/address.ts'

/** Where a key comes from: the fingerprint of a master key and the path from it. */
export interface KeyOrigin {
  readonly fingerprint: Uint8Array
  readonly path: readonly number[]
}

/** One key of a descriptor: fixed, or derived from an extended key. */
export interface KeyExpression {
  readonly origin: KeyOrigin | undefined
  readonly isRanged: boolean
  /** Bytes of the public keys that it gives, 33 or 65. */
  readonly keySize: number
  /** The expression as text, without secrets; hardened steps are marked as they were in the input. */
  text(prefixes: AddressPrefixes): string
  /** Where the key at an index comes from: as far back as the expression tells, at the least from itself. */
  originAt(index: number): KeyOrigin | undefined
  /** The public key at an index (which matters where it is ranged); `undefined` where a secret is needed and missing. */
  publicKey(index: number): Uint8Array | undefined
}

/** A path as descriptors write it, `/1h/2`. */
export function pathText(path: readonly number[], apostrophe: boolean): string {
  const mark = apostrophe ? "'" : 'h'
  return path.map(step => (step >= HARDENED_INDEX ? `/${step - HARDENED_INDEX}${mark}` : `/${step}`)).join('')
}

/** An origin as descriptors write it, `[deadbeef/1h]`; nothing where there is none. */
export function originText(origin: KeyOrigin | undefined, apostrophe: boolean): string {
  return origin === undefined ? '' : `[${toHex(origin.fingerprint)}${pathText(origin.path, apostrophe)}]`
}

/** A fixed public key. */
export class FixedKey implements KeyExpression {
  readonly origin: KeyOrigin | undefined
  readonly isRanged = false
  readonly #key: Uint8Array
  readonly #xOnly: boolean
  readonly #apostrophe: boolean

  /** @param xOnly whether the text shows the X alone */
  constructor(key: Uint8Array, xOnly: boolean, origin?: KeyOrigin, apostrophe = false) {
    this.origin = origin
    this.#key = key
    this.#xOnly = xOnly
    this.#apostrophe = apostrophe
  }

  get keySize(): number {
    return this.#key.length
  }

  text(): string {
    return originText(this.origin, this.#apostrophe) + toHex(this.#xOnly ? this.#key.subarray(1, 33) : this.#key)
  }

  originAt(): KeyOrigin {
    return this.origin ?? { fingerprint: hash160(this.#key).subarray(0, 4), path: [] }
  }

  publicKey(): Uint8Array {
    return this.#key
  }
}
