import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { toHexReversed } from '../../src/base/bytes/bytes.ts'
import type { Crypto } from '../../src/base/crypto/backend.ts'
import { portableCrypto } from '../../src/base/crypto/portable.ts'
import {
  blockWeight,
  checkBlock,
  checkBlockInContext,
  checkWitnessCommitment,
  type HashedBlock,
  hashBlock,
} from '../../src/bitcoin/consensus/check-block.ts'
import type { HeaderSource } from '../../src/bitcoin/consensus/header-source.ts'
import { difficulty } from '../../src/bitcoin/consensus/proof-of-work.ts'
import { builtInNetwork } from '../../src/bitcoin/params/networks.ts'
import { encodeBlock, parseBlock } from '../../src/bitcoin/primitives/block.ts'
import { encodeTransaction, transactionFromTable } from '../../src/bitcoin/primitives/transaction.ts'
import { legacySigOpCount } from '../../src/bitcoin/script/sigops.ts'
import { loadCrypto } from '../../src/platform/crypto.ts'
import { readSharedBytes, skipWithout } from '../shared-data.ts'

const FILE = ['vectors', 'core', 'block413567.raw'] as const
const HEIGHT = 413_567

/** A chain of which nothing is known but that the block's parent stands at its height. */
const PARENT: HeaderSource = {
  height: () => HEIGHT - 1,
  previous: () => -1,
  ancestor: () => 0,
  time: () => 1_464_000_000,
  bits: () => 0,
  version: () => 4,
  hashHex: () => '',
}

describe('block 413567 of main', { skip: skipWithout(...FILE) }, () => {
  const params = builtInNetwork('main')!
  let bytes: Uint8Array
  let block: HashedBlock
  let crypto: Crypto

  before(async () => {
    crypto = await loadCrypto()
    bytes = readSharedBytes(...FILE)
    const parsed = parseBlock(bytes)
    assert.ok(parsed.ok)
    block = hashBlock(parsed.value, crypto)
  })

  test('is the block that it is known as', () => {
    assert.equal(bytes.length, 999_887)
    assert.equal(toHexReversed(block.hash), '0000000000000000025aff8be8a55df8f89c77296db6198f272d6577325d4069')
    assert.equal(block.txs.txCount, 1557)
    assert.ok(difficulty(block.header.bits) > 1e11)
  })

  test('keeps to every rule that needs no coins', () => {
    assert.deepEqual(checkBlock(block, params, crypto), { ok: true, value: undefined })
    assert.deepEqual(checkBlockInContext(block, PARENT, 0, params, crypto), { ok: true, value: undefined })
    assert.ok(checkWitnessCommitment(block, false, crypto).ok)
  })

  test('has no witness, so that its weight is four times its size', () => {
    assert.equal(blockWeight(block), 4 * bytes.length)
  })

  test('is the same to the portable hashes', () => {
    assert.deepEqual(hashBlock(block, portableCrypto).txids, block.txids)
    assert.ok(checkBlock(block, params, portableCrypto).ok)
  })

  test('has no more signature operations than a block may', () => {
    let sigOps = 0
    for (let tx = 0; tx < block.txs.txCount; tx++) sigOps += legacySigOpCount(block.txs, tx)
    assert.ok(sigOps > 0 && sigOps <= 20_000)
  })

  test('is put together again byte for byte from its parts', () => {
    const transactions = Array.from({ length: block.txs.txCount }, (_, tx) =>
      encodeTransaction(transactionFromTable(block.txs, tx)),
    )
    assert.deepEqual(encodeBlock(block.header, transactions), bytes)
  })

  test('is refused when anything in it changes', () => {
    for (const [at, code] of [
      [70, 'high-hash'],
      [bytes.length - 100, 'bad-txnmrklroot'],
    ] as const) {
      const changed = bytes.slice()
      changed[at] ^= 1
      const parsed = parseBlock(changed)
      assert.ok(parsed.ok)
      const verdict = checkBlock(hashBlock(parsed.value, crypto), params, crypto)
      assert.equal(verdict.ok ? 'ok' : verdict.code, code)
    }
  })
})
