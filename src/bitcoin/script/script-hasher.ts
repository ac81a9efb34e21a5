import { equalBytes } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import { ripemd160, sha1, taggedHashPrefix } from '../../base/crypto/hash.ts'

const PREFIX_SIZE = 64
/** Results of earlier operations have at most this many bytes. */
const SHORT_ITEM_MAX = 64

/**
 * The hashes that scripts need, with the scratch memory that makes them cheap: one for each thread, not for sharing between
 * concurrent uses. Results are new arrays unless said.
 */
export class ScriptHasher {
  readonly crypto: Crypto
  // Larger than what V8 keeps inside its own heap, so that native code reads and writes them in place.
  readonly #digest = new Uint8Array(new ArrayBuffer(128), 0, 32)
  readonly #shortDigest = new Uint8Array(new ArrayBuffer(128), 0, 20)
  readonly #leaf = new ByteWriter(1024).bytes(taggedHashPrefix('TapLeaf'))
  readonly #branch = new ByteWriter(128).bytes(taggedHashPrefix('TapBranch'))
  readonly #tweak = new ByteWriter(128).bytes(taggedHashPrefix('TapTweak'))
  readonly #plain = new ByteWriter(256)
  readonly #short = new Uint8Array(new ArrayBuffer(128), 0, SHORT_ITEM_MAX)
  /** Views of the first so many bytes of it, made as they are needed. */
  readonly #shortViews: Uint8Array[] = []

  constructor(crypto: Crypto) {
    this.crypto = crypto
  }

  sha1(item: Uint8Array): Uint8Array {
    return sha1(item)
  }

  ripemd160(item: Uint8Array): Uint8Array {
    return ripemd160(item)
  }

  sha256(item: Uint8Array): Uint8Array {
    return this.crypto.sha256(this.#settled(item), this.#digest).slice()
  }

  sha256d(item: Uint8Array): Uint8Array {
    return this.crypto.sha256d(this.#settled(item), this.#digest).slice()
  }

  hash160(item: Uint8Array): Uint8Array {
    return this.crypto.hash160(this.#settled(item), this.#shortDigest).slice()
  }

  /** The item where native code can read it: V8 would have to move a short array out of its heap first, each time anew. */
  #settled(item: Uint8Array): Uint8Array {
    const { length } = item
    if (length > SHORT_ITEM_MAX) return item
    const view = (this.#shortViews[length] ??= this.#short.subarray(0, length))
    for (let i = 0; i < length; i++) view[i] = item[i]
    return view
  }

  /** Whether `item` hashes to `expected`, 20 bytes. */
  matchesHash160(item: Uint8Array, expected: Uint8Array): boolean {
    return equalBytes(this.crypto.hash160(item, this.#shortDigest), expected)
  }

  /** Whether `item` hashes to `expected`, 32 bytes. */
  matchesSha256(item: Uint8Array, expected: Uint8Array): boolean {
    return equalBytes(this.crypto.sha256(item, this.#digest), expected)
  }

  /** BIP341: what signatures commit to of an annex: the hash of it with its length. */
  annexHash(annex: Uint8Array): Uint8Array {
    this.#plain.reset().compactSize(annex.length).range(annex, 0, annex.length)
    return this.crypto.sha256(this.#plain.view(), this.#digest).slice()
  }

  /** BIP341: the hash of a leaf. */
  tapLeafHash(leafVersion: number, script: Uint8Array): Uint8Array {
    this.#leaf.reset(PREFIX_SIZE).u8(leafVersion).compactSize(script.length).range(script, 0, script.length)
    return this.crypto.sha256(this.#leaf.view(), this.#digest).slice()
  }

  /**
   * BIP341: whether the output key commits to a leaf by way of a control block.
   *
   * @param control 33 + 32 n bytes: leaf version with parity, internal key, path
   */
  commitsToLeaf(outputKey: Uint8Array, control: Uint8Array, leafHash: Uint8Array): boolean {
    const node = this.#digest
    node.set(leafHash)
    for (let at = 33; at < control.length; at += 32) this.#combine(node, control, at)
    this.#tweak.reset(PREFIX_SIZE).range(control, 1, 33).range(node, 0, 32)
    this.crypto.sha256(this.#tweak.view(), node)
    return this.crypto.checkTapTweak(outputKey, control[0] & 1, control.subarray(1, 33), node)
  }

  /** One step up the tree: the two children in lexicographic order. */
  #combine(node: Uint8Array, control: Uint8Array, at: number): void {
    let i = 0
    while (i < 31 && node[i] === control[at + i]) i++
    const branch = this.#branch.reset(PREFIX_SIZE)
    if (node[i] < control[at + i]) branch.range(node, 0, 32).range(control, at, at + 32)
    else branch.range(control, at, at + 32).range(node, 0, 32)
    this.crypto.sha256(branch.view(), node)
  }
}
