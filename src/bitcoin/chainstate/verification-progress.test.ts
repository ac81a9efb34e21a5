import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtInNetwork } from '../params/networks.ts'
import { verificationProgress } from './verification-progress.ts'

const regtest = builtInNetwork('regtest')!
const main = builtInNetwork('main')!
const NOW = 1_800_000_000

test('a chain without known transactions has made no progress', () => {
  assert.equal(
    verificationProgress({ height: 0, timeSeconds: NOW, chainTxCount: 0, bestHeaderHeight: 0 }, regtest, NOW),
    0,
  )
})

test('a recent tip counts by the blocks that are missing', () => {
  const tip = { height: 200, timeSeconds: NOW - 100, chainTxCount: 201, bestHeaderHeight: 200 }
  assert.equal(verificationProgress(tip, regtest, NOW), 1)
  const behind = verificationProgress({ ...tip, bestHeaderHeight: 201 }, regtest, NOW)
  assert.equal(behind, 201 / (201 + regtest.targetSpacingSeconds * 0.001))
})

test('an old tip counts by its time, a young chain by what is known of the whole', () => {
  const old = { height: 200, timeSeconds: NOW - 100_000, chainTxCount: 201, bestHeaderHeight: 200 }
  assert.equal(verificationProgress(old, regtest, NOW), 201 / (201 + 100))
  const young = verificationProgress({ ...old, chainTxCount: 1000 }, main, NOW)
  assert.equal(young, 1000 / (main.chainTx.count + (NOW - main.chainTx.time) * main.chainTx.perSecond))
})
