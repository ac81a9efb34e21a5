import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex, hexReversed, toHex } from '../../src/base/bytes/bytes.ts'
import { checkTransaction } from '../../src/bitcoin/consensus/check-transaction.ts'
import { Prevouts } from '../../src/bitcoin/primitives/prevouts.ts'
import { parseTransaction, type TxTable } from '../../src/bitcoin/primitives/tx-table.ts'
import {
  ALL_SCRIPT_VERIFY_FLAGS,
  parseScriptFlags,
  SCRIPT_FLAGS_BY_NAME,
  SCRIPT_VERIFY_CLEANSTACK,
  SCRIPT_VERIFY_P2SH,
  SCRIPT_VERIFY_WITNESS,
} from '../../src/bitcoin/script/flags.ts'
import type { ScriptError } from '../../src/bitcoin/script/script-error.ts'
import { TransactionSignatureChecker } from '../../src/bitcoin/script/transaction-signature-checker.ts'
import { verifyInputWith } from '../../src/bitcoin/script/verify-input.ts'
import { loadCrypto } from '../../src/platform/crypto.ts'
import { readSharedJson, skipWithout } from '../shared-data.ts'
import { parseScriptText } from './script-text.ts'

type Entry = [[string, number, string, number?][], string, string]

interface Case {
  readonly text: string
  readonly table: TxTable
  readonly prevouts: Prevouts
  readonly flagText: string
}

function readCases(file: string): { total: number; cases: Case[] } {
  const entries = readSharedJson<unknown[][]>('vectors', 'core', file)
  const cases = entries.filter(entry => Array.isArray(entry[0])).map(entry => parseCase(entry as unknown as Entry))
  return { total: entries.length, cases }
}

function parseCase(entry: Entry): Case {
  const [inputs, transaction, flagText] = entry
  const coins = new Map<string, { valueSats: number; script: Uint8Array }>()
  for (const [txid, index, scriptText, valueSats] of inputs) {
    const outpoint = `${toHex(hexReversed(txid))}:${index >>> 0}`
    coins.set(outpoint, { valueSats: valueSats ?? 0, script: parseScriptText(scriptText) })
  }
  const parsed = parseTransaction(hex(transaction))
  const text = JSON.stringify(entry).slice(0, 300)
  assert.ok(parsed.ok, text)
  const table = parsed.value
  const spent = Array.from({ length: table.inputCount }, (_, i) => {
    return coins.get(`${toHex(table.prevoutTxid(i))}:${table.prevoutIndex(i)}`)
  })
  // Transactions that are bad without regard to their coins need none.
  const prevouts = Prevouts.of(spent.map(coin => coin ?? { valueSats: 0, script: new Uint8Array(0) }))
  assert.ok(flagText === 'BADTX' || spent.every(coin => coin !== undefined), text)
  return { text, table, prevouts, flagText }
}

/** WITNESS needs P2SH, CLEANSTACK needs both: flags that lack what they need are dropped. */
function trimFlags(flags: number): number {
  let trimmed = flags
  if (!(trimmed & SCRIPT_VERIFY_P2SH)) trimmed &= ~SCRIPT_VERIFY_WITNESS
  if (!(trimmed & SCRIPT_VERIFY_WITNESS)) trimmed &= ~SCRIPT_VERIFY_CLEANSTACK
  return trimmed & ALL_SCRIPT_VERIFY_FLAGS
}

/** The same, but what flags need is added. */
function fillFlags(flags: number): number {
  let filled = flags
  if (filled & SCRIPT_VERIFY_CLEANSTACK) filled |= SCRIPT_VERIFY_WITNESS
  if (filled & SCRIPT_VERIFY_WITNESS) filled |= SCRIPT_VERIFY_P2SH
  return filled & ALL_SCRIPT_VERIFY_FLAGS
}

/** Every sound set that lacks one of `flags`. */
function lackingOne(flags: number): number[] {
  const sets = new Set<number>()
  for (const flag of SCRIPT_FLAGS_BY_NAME.values()) {
    const lacking = trimFlags(flags & ~flag)
    if (lacking !== flags) sets.add(lacking)
  }
  return [...sets]
}

function* pseudoRandom(seed: number): Generator<number> {
  let state = seed
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield state >>> 11
  }
}

function verifyAll(checker: TransactionSignatureChecker, one: Case, flags: number): ScriptError | undefined {
  checker.load(one.table, one.prevouts)
  for (let i = 0; i < one.table.inputCount; i++) {
    const error = verifyInputWith(checker, 0, i, flags)
    if (error !== undefined) return error
  }
  return undefined
}

const skipValid = skipWithout('vectors', 'core', 'tx_valid.json')
const skipInvalid = skipWithout('vectors', 'core', 'tx_invalid.json')

test('tx_valid.json: valid without the listed flags, and each of these is needed', { skip: skipValid }, async () => {
  const checker = new TransactionSignatureChecker(await loadCrypto())
  const { total, cases } = readCases('tx_valid.json')
  assert.equal(total, 250)
  assert.equal(cases.length, 121)
  const random = pseudoRandom(2)
  for (const one of cases) {
    assert.equal(checkTransaction(one.table, 0).ok, true, one.text)
    const excluded = parseScriptFlags(one.flagText)
    assert.ok(excluded !== undefined, one.text)
    const flags = ALL_SCRIPT_VERIFY_FLAGS & ~excluded
    assert.equal(flags, fillFlags(flags), `unsound flags: ${one.text}`)
    assert.equal(verifyAll(checker, one, flags), undefined, one.text)
    for (const [name, flag] of SCRIPT_FLAGS_BY_NAME) {
      assert.equal(verifyAll(checker, one, trimFlags(flags & ~flag)), undefined, `without ${name}: ${one.text}`)
      const fewer = trimFlags(flags & ~random.next().value)
      assert.equal(verifyAll(checker, one, fewer), undefined, `flags ${fewer}: ${one.text}`)
    }
    for (const fewerExcluded of lackingOne(excluded)) {
      const more = ALL_SCRIPT_VERIFY_FLAGS & ~fewerExcluded
      assert.notEqual(verifyAll(checker, one, more), undefined, `too many flags excluded, ${more} passes: ${one.text}`)
    }
  }
})

test('tx_invalid.json: invalid with the listed flags, and each of these is needed', { skip: skipInvalid }, async () => {
  const checker = new TransactionSignatureChecker(await loadCrypto())
  const { total, cases } = readCases('tx_invalid.json')
  assert.equal(total, 201)
  assert.equal(cases.length, 93)
  const random = pseudoRandom(3)
  let bad = 0
  for (const one of cases) {
    if (!checkTransaction(one.table, 0).ok) {
      assert.equal(one.flagText, 'BADTX', one.text)
      bad++
      continue
    }
    const flags = parseScriptFlags(one.flagText)
    assert.ok(flags !== undefined, one.text)
    assert.equal(flags, fillFlags(flags), `unsound flags: ${one.text}`)
    assert.notEqual(verifyAll(checker, one, flags), undefined, one.text)
    for (const [name, flag] of SCRIPT_FLAGS_BY_NAME) {
      assert.notEqual(verifyAll(checker, one, fillFlags(flags | flag)), undefined, `with ${name}: ${one.text}`)
      const more = fillFlags(flags | (random.next().value & ALL_SCRIPT_VERIFY_FLAGS))
      assert.notEqual(verifyAll(checker, one, more), undefined, `flags ${more}: ${one.text}`)
    }
    for (const fewer of lackingOne(flags)) {
      assert.equal(verifyAll(checker, one, fewer), undefined, `too many flags, ${fewer} fails too: ${one.text}`)
    }
  }
  assert.equal(bad, cases.filter(one => one.flagText === 'BADTX').length)
})
