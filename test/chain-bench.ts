import { readSharedJson, sharedPath } from './shared-data.ts'

/** The benchmark chain of ../shared/fixtures/chain-bench. */
export interface ChainBench {
  /** The dense blocks' files, in order. */
  readonly files: readonly string[]
  /** 2,100 empty blocks on top, deep enough for -assumevalid. */
  readonly tailFile: string
  readonly tip: { readonly height: number; readonly hash: string }
  readonly tailTip: { readonly height: number; readonly hash: string }
  /** hash_serialized_3 at the dense tip. */
  readonly utxoHash: string
  readonly tailUtxoHash: string
  readonly transactions: number
  readonly signatures: number
  readonly schnorrSignatures: number
}

interface Expected {
  files: string[]
  tail: string
  tip: { height: number; hash: string }
  tailTip: { height: number; hash: string }
  transactions: number
  signatures: number
  inputsByType: Record<string, number>
  snapshots: { height: number; gettxoutsetinfo: { hash_serialized_3: string } }[]
}

/** Where it is and what is known of it; undefined where the data is missing. */
export function chainBench(): ChainBench | undefined {
  const folder = sharedPath('fixtures', 'chain-bench')
  if (folder === undefined) return undefined
  const expected = readSharedJson<Expected>('fixtures', 'chain-bench', 'expected.json')
  const utxoHashAt = (height: number): string =>
    expected.snapshots.find(snapshot => snapshot.height === height)!.gettxoutsetinfo.hash_serialized_3
  return {
    files: expected.files.map(file => `${folder}/${file}`),
    tailFile: `${folder}/${expected.tail}`,
    tip: expected.tip,
    tailTip: expected.tailTip,
    utxoHash: utxoHashAt(expected.tip.height),
    tailUtxoHash: utxoHashAt(expected.tailTip.height),
    transactions: expected.transactions,
    signatures: expected.signatures,
    schnorrSignatures: expected.inputsByType['tr'] + expected.inputsByType['trs'],
  }
}
