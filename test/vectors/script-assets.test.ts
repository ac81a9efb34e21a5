import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex } from '../../src/base/bytes/bytes.ts'
import { ByteReader } from '../../src/base/bytes/reader.ts'
import { Prevouts } from '../../src/bitcoin/primitives/prevouts.ts'
import { encodeTransaction, transactionFromTable } from '../../src/bitcoin/primitives/transaction.ts'
import { parseTransaction } from '../../src/bitcoin/primitives/tx-table.ts'
import {
  parseScriptFlags,
  SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY,
  SCRIPT_VERIFY_CHECKSEQUENCEVERIFY,
  SCRIPT_VERIFY_DERSIG,
  SCRIPT_VERIFY_NULLDUMMY,
  SCRIPT_VERIFY_P2SH,
  SCRIPT_VERIFY_TAPROOT,
  SCRIPT_VERIFY_WITNESS,
} from '../../src/bitcoin/script/flags.ts'
import { TransactionSignatureChecker } from '../../src/bitcoin/script/transaction-signature-checker.ts'
import { verifyInputWith } from '../../src/bitcoin/script/verify-input.ts'
import { loadCrypto } from '../../src/platform/crypto.ts'
import { readSharedJson, skipWithout } from '../shared-data.ts'

const FILE = ['vectors', 'taproot', 'script_assets.json'] as const

interface Spend {
  readonly scriptSig: string
  readonly witness: string[]
}

interface Asset {
  readonly tx: string
  readonly prevouts: string[]
  readonly index: number
  readonly flags: string
  readonly comment: string
  readonly success?: Spend
  readonly failure?: Spend
  readonly final?: boolean
}

/** Every set of consensus flags in which WITNESS has P2SH, and TAPROOT has WITNESS. */
function consensusFlagSets(): number[] {
  const free = [
    SCRIPT_VERIFY_DERSIG,
    SCRIPT_VERIFY_NULLDUMMY,
    SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY,
    SCRIPT_VERIFY_CHECKSEQUENCEVERIFY,
  ]
  const chain = [SCRIPT_VERIFY_P2SH, SCRIPT_VERIFY_WITNESS, SCRIPT_VERIFY_TAPROOT]
  const sets: number[] = []
  for (let bits = 0; bits < 16; bits++) {
    let base = 0
    for (let i = 0; i < 4; i++) if (bits & (1 << i)) base |= free[i]
    sets.push(base)
    for (const flag of chain) sets.push((base |= flag))
  }
  return sets
}

function parsePrevouts(outputs: readonly string[]): Prevouts {
  return Prevouts.of(
    outputs.map(output => {
      const reader = new ByteReader(hex(output))
      const coin = { valueSats: Number(reader.i64()), script: reader.bytes(reader.compactSize()) }
      assert.ok(reader.failure === undefined && reader.remaining === 0)
      return coin
    }),
  )
}

test('script_assets.json: successes and failures of every entry under every set of flags', {
  skip: skipWithout(...FILE),
}, async () => {
  const checker = new TransactionSignatureChecker(await loadCrypto())
  const assets = readSharedJson<Asset[]>(...FILE)
  const sets = consensusFlagSets()
  assert.equal(sets.length, 64)
  assert.equal(assets.length, 1124)
  const count = { success: 0, failure: 0, final: 0 }

  for (const asset of assets) {
    // The transaction alone has no witness, so that no input may be mistaken for its marker.
    const bare = parseTransaction(hex(asset.tx), { allowWitness: false })
    assert.ok(bare.ok, asset.comment)
    const prevouts = parsePrevouts(asset.prevouts)
    assert.equal(prevouts.values.length, bare.value.inputCount)
    const listed = parseScriptFlags(asset.flags)
    assert.ok(listed !== undefined)

    const load = (spend: Spend): void => {
      const transaction = transactionFromTable(bare.value, 0)
      transaction.inputs[asset.index].scriptSig = hex(spend.scriptSig)
      transaction.inputs[asset.index].witness = spend.witness.map(hex)
      const parsed = parseTransaction(encodeTransaction(transaction))
      assert.ok(parsed.ok, asset.comment)
      checker.load(parsed.value, prevouts)
    }

    if (asset.success !== undefined) {
      count.success++
      if (asset.final) count.final++
      load(asset.success)
      for (const flags of sets) {
        if (!asset.final && (flags & listed) !== flags) continue
        assert.equal(verifyInputWith(checker, 0, asset.index, flags), undefined, `${asset.comment}, flags ${flags}`)
      }
    }
    if (asset.failure !== undefined) {
      count.failure++
      load(asset.failure)
      for (const flags of sets) {
        if ((flags & listed) !== listed) continue
        assert.notEqual(verifyInputWith(checker, 0, asset.index, flags), undefined, `${asset.comment}, flags ${flags}`)
      }
    }
  }
  assert.deepEqual(count, { success: 1124, failure: 991, final: 299 })
})
