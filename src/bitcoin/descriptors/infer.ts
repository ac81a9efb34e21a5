import { isXOnlyPublicKey, withEvenY } from '../../base/crypto/keys.ts'
import { type AddressPrefixes, scriptDestination } from '../primitives/address.ts'
import { solveScript } from '../script/standard.ts'
import { type Descriptor, descriptorText } from './descriptor.ts'
import { FixedKey } from './key-expression.ts'

/** Keys whose prefix agrees with their length but for hybrid ones, which no descriptor may hold. */
function isDescriptorKey(key: Uint8Array): boolean {
  return key[0] === 2 || key[0] === 3 || key[0] === 4
}

/** The most telling descriptor that an output script alone allows: keys where they stand in it, else address, else bytes. */
export function inferDescriptor(script: Uint8Array): Descriptor {
  const solution = solveScript(script)
  switch (solution.type) {
    case 'pubkey':
      if (!isDescriptorKey(solution.publicKey)) break
      return { type: 'pk', key: new FixedKey(solution.publicKey, false), tapscript: false }
    case 'multisig':
      if (!solution.publicKeys.every(isDescriptorKey)) break
      return {
        type: 'multi',
        threshold: solution.required,
        keys: solution.publicKeys.map(key => new FixedKey(key, false)),
      }
    case 'witness_v1_taproot':
      if (!isXOnlyPublicKey(solution.outputKey)) break
      return { type: 'rawtr', key: new FixedKey(withEvenY(solution.outputKey), true) }
  }
  const destination = scriptDestination(script)
  return destination === undefined ? { type: 'raw', script } : { type: 'addr', destination }
}

/** {@link inferDescriptor} as text with its checksum, as RPC answers show it under `desc`. */
export function inferDescriptorText(script: Uint8Array, prefixes: AddressPrefixes): string {
  return descriptorText(inferDescriptor(script), prefixes)
}

/** The descriptor of the P2WSH output that hashes a script, where the script is one that descriptors can name. */
export function inferWitnessScript(script: Uint8Array): Descriptor | undefined {
  const inner = inferDescriptor(script)
  // BIP143: segwit scripts hold compressed keys only.
  const isCompressed = inner.type === 'multi' && inner.keys.every(key => key.keySize === 33)
  return isCompressed ? { type: 'wsh', inner } : undefined
}
