import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex, toHexReversed } from '../../src/base/bytes/bytes.ts'
import { checkTransaction } from '../../src/bitcoin/consensus/check-transaction.ts'
import { Prevouts } from '../../src/bitcoin/primitives/prevouts.ts'
import { parseTransaction } from '../../src/bitcoin/primitives/tx-table.ts'
import { EcdsaSighash } from '../../src/bitcoin/script/sighash-ecdsa.ts'
import { SIG_BASE } from '../../src/bitcoin/script/signature-version.ts'
import { TransactionHashes } from '../../src/bitcoin/script/transaction-hashes.ts'
import { loadCrypto } from '../../src/platform/crypto.ts'
import { readSharedJson, skipWithout } from '../shared-data.ts'

const FILE = ['vectors', 'core', 'sighash.json'] as const

test('sighash.json: every legacy digest, asked for twice and after another of its mode', {
  skip: skipWithout(...FILE),
}, async () => {
  const hashes = new TransactionHashes(await loadCrypto())
  const sighash = new EcdsaSighash(hashes)
  const entries = readSharedJson<[string, string, number, number, string][]>(...FILE)
  const cases = entries.filter(entry => entry.length > 1)
  assert.equal(cases.length, 500)
  for (const [transaction, scriptCode, input, hashType, expected] of cases) {
    const parsed = parseTransaction(hex(transaction))
    assert.ok(parsed.ok)
    const table = parsed.value
    assert.equal(checkTransaction(table, 0).ok, true)
    hashes.load(table, Prevouts.of([]))
    hashes.select(0, input)
    sighash.reset()
    assert.equal(toHexReversed(sighash.digest(hex(scriptCode), hashType, SIG_BASE)), expected)
    assert.equal(toHexReversed(sighash.digest(hex(scriptCode), hashType, SIG_BASE)), expected)
    // Same mode, other hash type: only the end of the preimage differs, so a midstate serves.
    sighash.reset()
    sighash.digest(hex(scriptCode), hashType ^ 0x4000, SIG_BASE)
    assert.equal(toHexReversed(sighash.digest(hex(scriptCode), hashType, SIG_BASE)), expected)
    // Same mode, other script.
    sighash.digest(hex(`${scriptCode}51`), hashType, SIG_BASE)
    assert.equal(toHexReversed(sighash.digest(hex(scriptCode), hashType, SIG_BASE)), expected)
  }
})
