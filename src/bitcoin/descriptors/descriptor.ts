import { compareBytes, concatBytes, toHex } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { hash160, sha256, taggedHash } from '../../base/crypto/hash.ts'
import { tweakXOnlyPublicKey } from '../../base/crypto/keys.ts'
import { type AddressPrefixes, type Destination, destinationScript, encodeAddress } from '../primitives/address.ts'
import { OP_CHECKSIG, OP_CHECKSIGADD, OP_NUMEQUAL } from '../script/opcodes.ts'
import { multisig, payToPublicKey, pushNumber, script } from '../script/script-builder.ts'
import { withChecksum } from './checksum.ts'
import type { KeyExpression } from './key-expression.ts'

/** BIP381 to BIP386: an output descriptor, as a tree of its functions. */
export type Descriptor =
  | { readonly type: 'addr'; readonly destination: Destination }
  | { readonly type: 'raw'; readonly script: Uint8Array }
  | { readonly type: 'pk'; readonly key: KeyExpression; readonly tapscript: boolean }
  | { readonly type: 'pkh' | 'wpkh' | 'combo' | 'rawtr'; readonly key: KeyExpression }
  | {
      readonly type: 'multi' | 'sortedmulti' | 'multi_a' | 'sortedmulti_a'
      readonly threshold: number
      readonly keys: readonly KeyExpression[]
    }
  | { readonly type: 'sh' | 'wsh'; readonly inner: Descriptor }
  | { readonly type: 'tr'; readonly key: KeyExpression; readonly tree: TapTree | undefined }

/** BIP386: the tree of scripts beside a taproot key; a leaf is a descriptor. */
export type TapTree = Descriptor | { readonly type: 'branch'; readonly left: TapTree; readonly right: TapTree }

/** BIP342: the leaf version of tapscript. */
const LEAF_VERSION_TAPSCRIPT = 0xc0

/** Whether it stands for a script at every index rather than for one. */
export function isRanged(descriptor: Descriptor | TapTree): boolean {
  switch (descriptor.type) {
    case 'addr':
    case 'raw':
      return false
    case 'multi':
    case 'sortedmulti':
    case 'multi_a':
    case 'sortedmulti_a':
      return descriptor.keys.some(key => key.isRanged)
    case 'sh':
    case 'wsh':
      return isRanged(descriptor.inner)
    case 'branch':
      return isRanged(descriptor.left) || isRanged(descriptor.right)
    case 'tr':
      return descriptor.key.isRanged || (descriptor.tree !== undefined && isRanged(descriptor.tree))
    default:
      return descriptor.key.isRanged
  }
}

/** Whether it tells how to spend, given the secret keys. */
export function isSolvable(descriptor: Descriptor): boolean {
  return descriptor.type !== 'addr' && descriptor.type !== 'raw'
}

/** The canonical text without secrets and without a checksum. */
export function descriptorBody(descriptor: Descriptor | TapTree, prefixes: AddressPrefixes): string {
  switch (descriptor.type) {
    case 'addr':
      return `addr(${encodeAddress(descriptor.destination, prefixes)})`
    case 'raw':
      return `raw(${toHex(descriptor.script)})`
    case 'multi':
    case 'sortedmulti':
    case 'multi_a':
    case 'sortedmulti_a': {
      const keys = descriptor.keys.map(key => key.text(prefixes))
      return `${descriptor.type}(${[descriptor.threshold, ...keys].join(',')})`
    }
    case 'sh':
    case 'wsh':
      return `${descriptor.type}(${descriptorBody(descriptor.inner, prefixes)})`
    case 'branch':
      return `{${descriptorBody(descriptor.left, prefixes)},${descriptorBody(descriptor.right, prefixes)}}`
    case 'tr': {
      const tree = descriptor.tree === undefined ? '' : `,${descriptorBody(descriptor.tree, prefixes)}`
      return `tr(${descriptor.key.text(prefixes)}${tree})`
    }
    default:
      return `${descriptor.type}(${descriptor.key.text(prefixes)})`
  }
}

/** The canonical text without secrets, with its checksum. */
export function descriptorText(descriptor: Descriptor, prefixes: AddressPrefixes): string {
  return withChecksum(descriptorBody(descriptor, prefixes))
}

/**
 * The output scripts at an index: one, but for `combo` two or four.
 *
 * @returns `undefined` where a hardened step needs a secret key that the descriptor does not have
 */
export function descriptorScripts(descriptor: Descriptor, index: number): Uint8Array[] | undefined {
  if (descriptor.type !== 'combo') {
    const script = singleScript(descriptor, index)
    return script === undefined ? undefined : [script]
  }
  const key = descriptor.key.publicKey(index)
  if (key === undefined) return undefined
  const hash = hash160(key)
  const scripts = [payToPublicKey(key), destinationScript({ type: 'pubkeyhash', hash })]
  // BIP384: segwit takes compressed keys only.
  if (key.length === 33) {
    const witness = destinationScript({ type: 'witness', version: 0, program: hash })
    scripts.push(witness, destinationScript({ type: 'scripthash', hash: hash160(witness) }))
  }
  return scripts
}

function singleScript(descriptor: Descriptor, index: number): Uint8Array | undefined {
  switch (descriptor.type) {
    case 'addr':
      return destinationScript(descriptor.destination)
    case 'raw':
      return descriptor.script
    case 'multi':
    case 'sortedmulti':
    case 'multi_a':
    case 'sortedmulti_a':
      return multisigScript(descriptor.type, descriptor.threshold, descriptor.keys, index)
    case 'sh':
    case 'wsh': {
      const inner = singleScript(descriptor.inner, index)
      if (inner === undefined) return undefined
      return destinationScript(
        descriptor.type === 'sh'
          ? { type: 'scripthash', hash: hash160(inner) }
          : { type: 'witness', version: 0, program: sha256(inner) },
      )
    }
    default:
      return keyScript(descriptor, index)
  }
}

type KeyDescriptor = Extract<Descriptor, { readonly key: KeyExpression }>

function keyScript(descriptor: KeyDescriptor, index: number): Uint8Array | undefined {
  const key = descriptor.key.publicKey(index)
  if (key === undefined) return undefined
  switch (descriptor.type) {
    case 'pk':
      return descriptor.tapscript ? payToPublicKey(xOnly(key)) : payToPublicKey(key)
    case 'pkh':
      return destinationScript({ type: 'pubkeyhash', hash: hash160(key) })
    case 'rawtr':
      return destinationScript({ type: 'witness', version: 1, program: xOnly(key) })
    case 'tr': {
      const internal = xOnly(key)
      const root = descriptor.tree === undefined ? [] : [treeHash(descriptor.tree, index)]
      if (root[0] === undefined && root.length > 0) return undefined
      const tweaked = tweakXOnlyPublicKey(internal, taggedHash('TapTweak', internal, ...(root as Uint8Array[])))
      return tweaked === undefined
        ? undefined
        : destinationScript({ type: 'witness', version: 1, program: tweaked.key })
    }
    default:
      return destinationScript({ type: 'witness', version: 0, program: hash160(key) })
  }
}

function xOnly(key: Uint8Array): Uint8Array {
  return key.subarray(1, 33)
}

function multisigScript(
  type: 'multi' | 'sortedmulti' | 'multi_a' | 'sortedmulti_a',
  threshold: number,
  expressions: readonly KeyExpression[],
  index: number,
): Uint8Array | undefined {
  const inTapscript = type === 'multi_a' || type === 'sortedmulti_a'
  const keys: Uint8Array[] = []
  for (const expression of expressions) {
    const key = expression.publicKey(index)
    if (key === undefined) return undefined
    keys.push(inTapscript ? xOnly(key) : key)
  }
  // BIP383, BIP387: the sorted forms order the keys as they appear in the script.
  if (type === 'sortedmulti' || type === 'sortedmulti_a') keys.sort(compareBytes)
  if (!inTapscript) return multisig(threshold, keys)
  // BIP387: each key after the first adds to a count that is compared at the end.
  const checks = keys.map((key, i) => script(key, i === 0 ? OP_CHECKSIG : OP_CHECKSIGADD))
  return concatBytes(...checks, pushNumber(threshold), Uint8Array.of(OP_NUMEQUAL))
}

/** BIP341: the hash of a leaf or branch. */
function treeHash(tree: TapTree, index: number): Uint8Array | undefined {
  if (tree.type === 'branch') {
    const left = treeHash(tree.left, index)
    const right = treeHash(tree.right, index)
    if (left === undefined || right === undefined) return undefined
    return compareBytes(left, right) < 0 ? taggedHash('TapBranch', left, right) : taggedHash('TapBranch', right, left)
  }
  const script = singleScript(tree, index)
  if (script === undefined) return undefined
  return taggedHash('TapLeaf', new ByteWriter().u8(LEAF_VERSION_TAPSCRIPT).sizedBytes(script).finish())
}
