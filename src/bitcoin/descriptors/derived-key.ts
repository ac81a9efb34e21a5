import { toHex } from '../../base/bytes/bytes.ts'
import { HARDENED_INDEX } from '../../base/crypto/hardened-index.ts'
import { hash160 } from '../../base/crypto/hash.ts'
import { deriveHdChild, type HdKey, hdPublicOnly } from '../../base/crypto/hd-key.ts'
import type { AddressPrefixes } from '../primitives/address.ts'
import { encodeExtendedKey } from '../primitives/extended-key.ts'
import { type KeyExpression, type KeyOrigin, originText, pathText } from './key-expression.ts'

/** Whether a path ends in `*`, which stands for the index asked for, and whether that last step is hardened. */
export type RangeKind = 'none' | 'unhardened' | 'hardened'

/** The secret keys that a descriptor's text contained, by the hash of their public key (hex). */
export type SecretKeys = Map<string, Uint8Array>

/** Names a public key in {@link SecretKeys}. */
export function keyId(publicKey: Uint8Array): string {
  return toHex(hash160(publicKey))
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

  originAt(index: number): KeyOrigin {
    const last = this.#range === 'none' ? [] : [this.#range === 'hardened' ? index + HARDENED_INDEX : index]
    const from = this.origin ?? { fingerprint: hash160(this.#root.publicKey).subarray(0, 4), path: [] }
    return { fingerprint: from.fingerprint, path: [...from.path, ...this.#path, ...last] }
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
