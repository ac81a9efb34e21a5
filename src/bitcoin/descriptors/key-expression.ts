import { toHex } from '../../base/bytes/bytes.ts'
import { hash160 } from '../../base/crypto/hash.ts'
import { deriveHdChild, HARDENED_INDEX, type HdKey, hdPublicOnly } from '../../base/crypto/hd-key.ts'
import type { AddressPrefixes } from '../primitives/address.ts'
import { encodeExtendedKey } from '../primitives/extended-key.ts'

/** Where a key comes from: the fingerprint of a master key and the path from it. */
export interface KeyOrigin {
  readonly fingerprint: Uint8Array
  readonly path: readonly number[]
}

/** Whether a path ends in `*`, which stands for the index asked for, and whether that last step is hardened. */
export type RangeKind = 'none' | 'unhardened' | 'hardened'

/** The secret keys that a descriptor's text contained, by the hash of their public key (hex). */
export type SecretKeys = Map<string, Uint8Array>

/** Names a public key in {@link SecretKeys}. */
export function keyId(publicKey: Uint8Array): string {
  return toHex(hash160(publicKey))
}

/** One key of a descriptor: fixed, or derived from an extended key. */
export interface KeyExpression {
  readonly origin: KeyOrigin | undefined
  readonly isRanged: boolean
  /** Bytes of the public keys that it gives, 33 or 65. */
  readonly keySize: number
  /** The expression as text, without secrets; hardened steps are marked as they were in the input. */
  text(prefixes: AddressPrefixes): string
  /** The public key at an index (which matters where it is ranged); `undefined` where a secret is needed and missing. */
  publicKey(index: number): Uint8Array | undefined
}

function pathText(path: readonly number[], apostrophe: boolean): string {
  const mark = apostrophe ? "'" : 'h'
  return path.map(step => (step >= HARDENED_INDEX ? `/${step - HARDENED_INDEX}${mark}` : `/${step}`)).join('')
}

function originText(origin: KeyOrigin | undefined, apostrophe: boolean): string {
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

  publicKey(): Uint8Array {
    return this.#key
  }
}

/** A key, or a range of keys, below an extended key. */
export class DerivedKey implements KeyExpression {
  readonly origin: KeyOrigin | undefined
  readonly keySize = 33
  readonly #root: HdKey
  readonly #path: readonly number[]
  readonly #range: RangeKind
  readonly #apostrophe: boolean
  readonly #secrets: SecretKeys
  #parent: HdKey | undefined

  /** @param secrets where the secret of `root` is looked up if a hardened step needs it */
  constructor(
    root: HdKey,
    path: readonly number[],
    range: RangeKind,
    apostrophe: boolean,
    secrets: SecretKeys,
    origin?: KeyOrigin,
  ) {
    this.origin = origin
    this.#root = hdPublicOnly(root)
    this.#path = path
    this.#range = range
    this.#apostrophe = apostrophe
    this.#secrets = secrets
  }

  get isRanged(): boolean {
    return this.#range !== 'none'
  }

  text(prefixes: AddressPrefixes): string {
    const mark = this.#apostrophe ? "'" : 'h'
    const tail = this.#range === 'none' ? '' : this.#range === 'hardened' ? `/*${mark}` : '/*'
    const root = encodeExtendedKey(this.#root, 'public', prefixes)
    return originText(this.origin, this.#apostrophe) + root + pathText(this.#path, this.#apostrophe) + tail
  }

  publicKey(index: number): Uint8Array | undefined {
    this.#parent ??= this.#deriveParent()
    if (this.#parent === undefined || this.#range === 'none') return this.#parent?.publicKey
    return deriveHdChild(this.#parent, this.#range === 'hardened' ? index + HARDENED_INDEX : index)?.publicKey
  }

  #deriveParent(): HdKey | undefined {
    const hardened = this.#range === 'hardened' || this.#path.some(step => step >= HARDENED_INDEX)
    const secret = hardened ? this.#secrets.get(keyId(this.#root.publicKey)) : undefined
    if (hardened && secret === undefined) return undefined
    let key: HdKey | undefined = secret === undefined ? this.#root : { ...this.#root, secret }
    for (const step of this.#path) if (key !== undefined) key = deriveHdChild(key, step)
    return key
  }
}
