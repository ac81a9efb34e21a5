import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, hex } from '../../base/bytes/bytes.ts'
import { builtInNetwork } from '../params/networks.ts'
import {
  type BlockHeader,
  decodeHeader,
  encodeBlock,
  encodeHeader,
  HEADER_SIZE,
  parseBlock,
  parseLeadingBlock,
} from './block.ts'

const HEADER: fc.Arbitrary<BlockHeader> = fc.record(
  {
    version: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    previous: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    merkleRoot: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    time: fc.nat(2 ** 32 - 1),
    bits: fc.nat(2 ** 32 - 1),
    nonce: fc.nat(2 ** 32 - 1),
  },
  { noNullPrototype: true },
)

test('a header goes there and back', () => {
  fc.assert(
    fc.property(HEADER, fc.nat(20), (header, at) => {
      const bytes = encodeHeader(header)
      assert.equal(bytes.length, HEADER_SIZE)
      assert.deepEqual(decodeHeader(concatBytes(new Uint8Array(at), bytes), at), header)
    }),
  )
})

test('a block is its header and transactions, to the byte', () => {
  const { genesisBytes, genesisHeader } = builtInNetwork('main')!
  const parsed = parseBlock(genesisBytes)
  assert.ok(parsed.ok)
  const { header, txs } = parsed.value
  assert.deepEqual(header, genesisHeader)
  assert.deepEqual(encodeBlock(header, [txs.txBytes(0)]), genesisBytes)

  const longer = concatBytes(genesisBytes, hex('00'))
  const whole = parseBlock(longer)
  assert.ok(!whole.ok && whole.code === 'trailing-data')
  const leading = parseLeadingBlock(longer)
  assert.ok(leading.ok && leading.value.bytes.length === genesisBytes.length)
  for (let length = 0; length < genesisBytes.length; length++) {
    const cut = parseBlock(genesisBytes.subarray(0, length))
    assert.ok(!cut.ok && cut.code === 'truncated')
  }
})

test('a count of transactions that cannot be there is refused at once', () => {
  const { genesisHeader } = builtInNetwork('main')!
  for (const [count, code] of [
    ['fe00000002', 'truncated'],
    ['fe01000002', 'size-too-large'],
    ['fd0100', 'non-canonical-size'],
    ['01', 'truncated'],
  ] as const) {
    const parsed = parseBlock(concatBytes(encodeHeader(genesisHeader), hex(count)))
    assert.ok(!parsed.ok)
    assert.equal(parsed.code, code)
  }
  const empty = parseBlock(concatBytes(encodeHeader(genesisHeader), hex('00')))
  assert.ok(empty.ok && empty.value.txs.txCount === 0)
})
