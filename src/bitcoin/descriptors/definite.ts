import { compareBytes } from '../../base/bytes/bytes.ts'
import { type Descriptor, descriptorScripts, isSolvable, type TapTree } from './descriptor.ts'
import { inferDescriptor } from './infer.ts'
import { FixedKey, type KeyExpression } from './key-expression.ts'

/** One output script of a descriptor, and what makes its definite descriptor. */
export interface DescribedScript {
  readonly script: Uint8Array
  readonly describe: () => Descriptor
}

/** The key at an index, with where it comes from. */
function fixed(key: KeyExpression, index: number, xOnly: boolean): FixedKey {
  // Whoever asks has derived the script already, and with it the key.
  return new FixedKey(key.publicKey(index)!, xOnly, key.originAt(index))
}

function fixedTree(tree: TapTree, index: number): TapTree {
  if (tree.type !== 'branch') return definiteDescriptor(tree, index)
  return { type: 'branch', left: fixedTree(tree.left, index), right: fixedTree(tree.right, index) }
}

function definiteDescriptor(descriptor: Descriptor, index: number): Descriptor {
  switch (descriptor.type) {
    case 'addr':
    case 'raw':
      return inferDescriptor(descriptorScripts(descriptor, index)![0])
    case 'pk': {
      const { tapscript } = descriptor
      return { type: 'pk', key: fixed(descriptor.key, index, tapscript), tapscript }
    }
    case 'sh':
    case 'wsh':
      return { type: descriptor.type, inner: definiteDescriptor(descriptor.inner, index) }
    case 'tr': {
      const tree = descriptor.tree === undefined ? undefined : fixedTree(descriptor.tree, index)
      return { type: 'tr', key: fixed(descriptor.key, index, true), tree }
    }
    case 'multi':
    case 'multi_a':
    case 'sortedmulti':
    case 'sortedmulti_a': {
      const xOnly = descriptor.type.endsWith('_a')
      const keys = descriptor.keys.map(key => fixed(key, index, xOnly))
      // BIP383, BIP387: once sorted, they are in the order of the script.
      const start = xOnly ? 1 : 0
      if (descriptor.type.startsWith('sorted')) {
        keys.sort((a, b) => compareBytes(a.publicKey().subarray(start), b.publicKey().subarray(start)))
      }
      return { type: xOnly ? 'multi_a' : 'multi', threshold: descriptor.threshold, keys }
    }
    default:
      return { type: descriptor.type, key: fixed(descriptor.key, index, descriptor.type === 'rawtr') }
  }
}

/** BIP384: the descriptors of combo's scripts, in their order. */
function comboForms(key: FixedKey): Descriptor[] {
  const wpkh: Descriptor = { type: 'wpkh', key }
  return [{ type: 'pk', key, tapscript: false }, { type: 'pkh', key }, wpkh, { type: 'sh', inner: wpkh }]
}

/**
 * The output scripts at an index, each with its own definite descriptor: single keys that name where they come from. Undefined where a
 * hardened step needs a secret key that the descriptor does not have.
 */
export function describedScripts(descriptor: Descriptor, index: number): DescribedScript[] | undefined {
  const scripts = descriptorScripts(descriptor, index)
  if (descriptor.type === 'combo') {
    return scripts?.map((script, i) => ({
      script,
      describe: () => comboForms(fixed(descriptor.key, index, false))[i],
    }))
  }
  return scripts?.map(script => ({
    script,
    describe: () => (isSolvable(descriptor) ? definiteDescriptor(descriptor, index) : inferDescriptor(script)),
  }))
}
