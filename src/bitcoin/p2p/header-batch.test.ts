import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OtherChain, REGTEST } from '../../../test/p2p-world.ts'
import { concatBytes, equalBytes } from '../../base/bytes/bytes.ts'
import { loadCrypto } from '../../platform/crypto.ts'
import { builtInNetwork } from '../params/networks.ts'
import { HEADER_SIZE } from '../primitives/block.ts'
import { HeaderBatch } from './header-batch.ts'

const crypto = await loadCrypto()
const chain = await OtherChain.create(12)

test('headers of a message are hashed, read and added up', () => {
  const batch = new HeaderBatch(chain.headers(3, 12).headers, crypto)
  assert.equal(batch.count, 10)
  for (let i = 0; i < 10; i++) {
    assert.deepEqual(batch.hash(i), chain.hash(3 + i))
    assert.ok(equalBytes(batch.previous(i), chain.hash(2 + i)))
    assert.deepEqual(batch.header(i).previous, chain.hash(2 + i))
  }
  assert.equal(batch.hashHex(9), chain.memory.tipHash)
  assert.equal(batch.work, 20n)
  assert.ok(batch.isContinuous && batch.hasWork(REGTEST))
})

test('a gap, or an order of its own, shows', () => {
  const headers = (from: number, to: number): Uint8Array => chain.headers(from, to).headers
  assert.equal(new HeaderBatch(concatBytes(headers(1, 3), headers(5, 6)), crypto).isContinuous, false)
  assert.equal(new HeaderBatch(concatBytes(headers(2, 2), headers(1, 1)), crypto).isContinuous, false)
  assert.equal(new HeaderBatch(headers(4, 4), crypto).isContinuous, true)
})

test('each header must have the work that it claims, and claim what the network allows', () => {
  const bytes = chain.headers(1, 5).headers.slice()
  const nonceAt = 4 * HEADER_SIZE + 76
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const sound = view.getUint32(nonceAt, true)
  let unsound = 0
  for (let nonce = 0; nonce < 64; nonce++) {
    view.setUint32(nonceAt, nonce, true)
    if (!new HeaderBatch(bytes, crypto).hasWork(REGTEST)) unsound++
  }
  // Every other hash is too high on regtest.
  assert.ok(unsound > 15 && unsound < 50)
  view.setUint32(nonceAt, sound, true)
  assert.equal(new HeaderBatch(bytes, crypto).hasWork(REGTEST), true)
  assert.equal(new HeaderBatch(bytes, crypto).hasWork(builtInNetwork('main')!), false)
  view.setUint32(4 * HEADER_SIZE + 72, 0, true)
  assert.equal(new HeaderBatch(bytes, crypto).hasWork(REGTEST), false)
})
