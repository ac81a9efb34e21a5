import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HeaderList } from '../../../test/header-list.ts'
import { builtInNetwork } from '../params/networks.ts'
import {
  blockWork,
  checkProofOfWork,
  difficulty,
  expandCompact,
  hashToNumber,
  nextWorkRequired,
  targetBytes,
  toCompact,
} from './proof-of-work.ts'

const main = builtInNetwork('main')!
const testnet4 = builtInNetwork('testnet4')!
const regtest = builtInNetwork('regtest')!
const LOWEST = 0x1d00ffff

test("compact forms are read as Bitcoin Core's big numbers read them", () => {
  const cases: readonly (readonly [number, bigint, number, boolean])[] = [
    [0, 0n, 0, false],
    [0x00123456, 0n, 0, false],
    [0x01003456, 0n, 0, false],
    [0x02000056, 0n, 0, false],
    [0x03000000, 0n, 0, false],
    [0x04000000, 0n, 0, false],
    [0x00923456, 0n, 0, false],
    [0x01803456, 0n, 0, false],
    [0x02800056, 0n, 0, false],
    [0x03800000, 0n, 0, false],
    [0x04800000, 0n, 0, false],
    [0x01123456, 0x12n, 0x01120000, false],
    [0x02123456, 0x1234n, 0x02123400, false],
    [0x03123456, 0x123456n, 0x03123456, false],
    [0x04123456, 0x12345600n, 0x04123456, false],
    [0x05009234, 0x92340000n, 0x05009234, false],
    [0x20123456, 0x123456n << 232n, 0x20123456, false],
    [0x01fedcba, 0x7en, 0x017e0000, true],
    [0x04923456, 0x12345600n, 0x04123456, true],
  ]
  for (const [bits, target, compact, negative] of cases) {
    assert.deepEqual(expandCompact(bits), { target, negative, overflow: false }, bits.toString(16))
    assert.equal(toCompact(target), compact, bits.toString(16))
  }
  assert.equal(expandCompact(0xff123456).overflow, true)
  assert.equal(expandCompact(0x21010000).overflow, true)
  assert.equal(expandCompact(0x2100ffff).overflow, false)
  // The sign bit is never set.
  assert.equal(toCompact(0x80n), 0x02008000)
})

test('a compact form keeps the first bits of any target', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 256n - 1n }), target => {
      const { target: rounded, negative, overflow } = expandCompact(toCompact(target))
      assert.ok(!negative && !overflow)
      assert.ok(rounded <= target && target - rounded <= target >> 15n)
      assert.equal(toCompact(rounded), toCompact(target))
      assert.equal(hashToNumber(targetBytes(target)), target)
    }),
  )
})

test('work and difficulty of what everybody knows', () => {
  assert.equal(blockWork(LOWEST), 0x100010001n)
  assert.equal(blockWork(0x207fffff), 2n)
  assert.equal(blockWork(0), 0n)
  assert.equal(blockWork(0x01fedcba), 0n)
  assert.equal(difficulty(LOWEST), 1)
  assert.equal(difficulty(0x1b0404cb).toFixed(4), '16307.4209')
})

test('a hash at the target shows the work, one above it does not, nor does a target that is none', () => {
  const { target } = expandCompact(LOWEST)
  assert.ok(checkProofOfWork(targetBytes(target), LOWEST, main))
  assert.ok(!checkProofOfWork(targetBytes(target + 1n), LOWEST, main))
  const one = targetBytes(1n)
  for (const bits of [0, 0x00800000 | LOWEST, 0xff7fffff, toCompact(main.powLimit * 2n), 0x01fedcba]) {
    assert.ok(!checkProofOfWork(one, bits, main), bits.toString(16))
  }
})

/** A period from one time to another, all at the same bits. */
function period(length: number, firstTime: number, lastTime: number, bits: number): HeaderList {
  const list = new HeaderList()
  for (let i = 0; i < length; i++) {
    const time = i === length - 1 ? lastTime : Math.round(firstTime + ((lastTime - firstTime) * i) / length)
    list.add({ time: i === 0 ? firstTime : time, bits })
  }
  return list
}

test("retargets of main's history, and at the limits", () => {
  for (const [first, last, bits, expected] of [
    [1261130161, 1262152739, LOWEST, 0x1d00d86a],
    [1231006505, 1233061996, LOWEST, LOWEST],
    [1279008237, 1279297671, 0x1c05a3f4, 0x1c0168fd],
    [1263163443, 1269211443, 0x1c387f6f, 0x1d00e1fd],
  ]) {
    const list = period(2016, first, last, bits)
    assert.equal(nextWorkRequired(list, 2015, last + 600, main).toString(16), expected.toString(16))
    assert.equal(nextWorkRequired(list, 2014, last + 600, main), bits)
  }
})

test('testnets: a late block may have the lowest difficulty, and the next one forgets it', () => {
  const list = period(2016, 1_000_000, 1_000_000 + 2015 * 600, LOWEST)
  list.add({ time: 3_000_000, bits: 0x1c00ffff })
  list.add({ time: 3_000_600, bits: 0x1c00ffff })
  const tip = list.count - 1
  assert.equal(nextWorkRequired(list, tip, 3_000_600 + 1200, testnet4), 0x1c00ffff)
  assert.equal(nextWorkRequired(list, tip, 3_000_600 + 1201, testnet4), LOWEST)
  assert.equal(nextWorkRequired(list, tip, 3_000_600 + 1201, main), 0x1c00ffff)
  list.add({ time: 3_002_000, bits: LOWEST })
  list.add({ time: 3_004_000, bits: LOWEST })
  assert.equal(nextWorkRequired(list, list.count - 1, 3_004_010, testnet4), 0x1c00ffff)
})

test("BIP94: the base of a retarget is the period's first block, elsewhere its last", () => {
  const time = (i: number): number => 1_000_000 + 600 * i
  const list = new HeaderList()
  for (let i = 0; i < 2016; i++)
    list.add({ time: time(i), bits: i === 0 ? 0x1c00ffff : i === 2015 ? LOWEST : 0x1c00ffff })
  // 2,015 intervals instead of 2,016, which is the protocol's own oversight.
  const scaled = (bits: number): number => toCompact((expandCompact(bits).target * BigInt(2015 * 600)) / 1_209_600n)
  assert.equal(nextWorkRequired(list, 2015, time(2016), testnet4), scaled(0x1c00ffff))
  assert.equal(nextWorkRequired(list, 2015, time(2016), { ...testnet4, enforceBip94: false }), scaled(LOWEST))
})

test('regtest never retargets', () => {
  const list = period(144, 1, 2, 0x207fffff)
  assert.equal(nextWorkRequired(list, 143, 3, regtest), 0x207fffff)
})
