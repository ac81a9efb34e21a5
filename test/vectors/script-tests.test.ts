import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex } from '../../src/base/bytes/bytes.ts'
import { taggedHash } from '../../src/base/crypto/hash.ts'
import { tweakXOnlyPublicKey } from '../../src/base/crypto/keys.ts'
import { Prevouts } from '../../src/bitcoin/primitives/prevouts.ts'
import { encodeTransaction, SEQUENCE_FINAL, type Transaction } from '../../src/bitcoin/primitives/transaction.ts'
import { parseTransaction } from '../../src/bitcoin/primitives/tx-table.ts'
import {
  ALL_SCRIPT_VERIFY_FLAGS,
  parseScriptFlags,
  SCRIPT_FLAGS_BY_NAME,
  SCRIPT_VERIFY_CLEANSTACK,
  SCRIPT_VERIFY_P2SH,
  SCRIPT_VERIFY_WITNESS,
} from '../../src/bitcoin/script/flags.ts'
import { script } from '../../src/bitcoin/script/script-builder.ts'
import { SCRIPT_ERRORS } from '../../src/bitcoin/script/script-error.ts'
import { TransactionSignatureChecker } from '../../src/bitcoin/script/transaction-signature-checker.ts'
import { verifyInputWith } from '../../src/bitcoin/script/verify-input.ts'
import { loadCrypto } from '../../src/platform/crypto.ts'
import { readSharedJson, skipWithout } from '../shared-data.ts'
import { parseScriptText } from './script-text.ts'

const FILE = ['vectors', 'core', 'script_tests.json'] as const
/** The key whose secret is 1, under which the vectors' generated tapscripts are committed. */
const INTERNAL_KEY = hex('79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')

interface Case {
  readonly text: string
  readonly scriptSig: Uint8Array
  readonly scriptPubKey: Uint8Array
  readonly witness: Uint8Array[]
  readonly valueSats: number
  readonly flags: number
  readonly expected: string
}

function parseCase(entry: readonly unknown[]): Case {
  const witness: Uint8Array[] = []
  let valueSats = 0
  let outputKey: Uint8Array | undefined
  let rest = entry
  if (Array.isArray(entry[0])) {
    const items = entry[0] as (string | number)[]
    valueSats = Math.round(Number(items[items.length - 1]) * 1e8)
    for (const item of items.slice(0, -1) as string[]) {
      if (item.startsWith('#SCRIPT#')) {
        witness.push(parseScriptText(item.slice('#SCRIPT#'.length)))
      } else if (item === '#CONTROLBLOCK#') {
        const leafScript = witness[witness.length - 1]
        const leaf = taggedHash('TapLeaf', Uint8Array.of(0xc0), sized(leafScript))
        const tweaked = tweakXOnlyPublicKey(INTERNAL_KEY, taggedHash('TapTweak', INTERNAL_KEY, leaf))!
        outputKey = tweaked.key
        witness.push(Uint8Array.of(0xc0 | tweaked.parity, ...INTERNAL_KEY))
      } else {
        witness.push(hex(item))
      }
    }
    rest = entry.slice(1)
  }
  const [scriptSig, scriptPubKey, flagText, expected] = rest as string[]
  let flags = parseScriptFlags(flagText)
  assert.ok(flags !== undefined, `unknown flags: ${flagText}`)
  if (flags & SCRIPT_VERIFY_CLEANSTACK) flags |= SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS
  return {
    text: JSON.stringify(entry).slice(0, 400),
    scriptSig: parseScriptText(scriptSig),
    scriptPubKey:
      scriptPubKey === '0x51 0x20 #TAPROOTOUTPUT#' ? script(0x51, outputKey!) : parseScriptText(scriptPubKey),
    witness,
    valueSats,
    flags,
    expected,
  }
}

function sized(bytes: Uint8Array): Uint8Array {
  assert.ok(bytes.length < 0xfd)
  return Uint8Array.of(bytes.length, ...bytes)
}

/** The transaction that Core's tests spend from, and the one that spends. */
function spending(one: Case, sha256d: (data: Uint8Array) => Uint8Array): Transaction {
  const credit: Transaction = {
    version: 1,
    inputs: [
      {
        txid: new Uint8Array(32),
        index: 0xffff_ffff,
        scriptSig: Uint8Array.of(0, 0),
        sequence: SEQUENCE_FINAL,
        witness: [],
      },
    ],
    outputs: [{ valueSats: BigInt(one.valueSats), script: one.scriptPubKey }],
    lockTime: 0,
  }
  return {
    version: 1,
    inputs: [
      {
        txid: sha256d(encodeTransaction(credit)),
        index: 0,
        scriptSig: one.scriptSig,
        sequence: SEQUENCE_FINAL,
        witness: one.witness,
      },
    ],
    outputs: [{ valueSats: BigInt(one.valueSats), script: new Uint8Array(0) }],
    lockTime: 0,
  }
}

/** Whether the flags are ones that may be used together. */
function sound(flags: number): boolean {
  const needed = SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS
  if ((flags & SCRIPT_VERIFY_CLEANSTACK) !== 0 && (flags & needed) !== needed) return false
  return (flags & SCRIPT_VERIFY_WITNESS) === 0 || (flags & SCRIPT_VERIFY_P2SH) !== 0
}

/** Numbers that look random and are the same every time. */
function* pseudoRandom(seed: number): Generator<number> {
  let state = seed
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield state >>> 11
  }
}

test('script_tests.json: every case ends as it says, and flags only ever take away', {
  skip: skipWithout(...FILE),
}, async () => {
  const crypto = await loadCrypto()
  const checker = new TransactionSignatureChecker(crypto)
  const entries = readSharedJson<unknown[][]>(...FILE)
  const cases = entries.filter(entry => entry.length > 1).map(parseCase)
  assert.equal(entries.length, 1288)
  assert.equal(cases.length, 1233)
  const random = pseudoRandom(1)
  const seen = new Set<string>()

  for (const one of cases) {
    const parsed = parseTransaction(encodeTransaction(spending(one, crypto.sha256d)))
    assert.ok(parsed.ok)
    checker.load(parsed.value, Prevouts.of([{ valueSats: one.valueSats, script: one.scriptPubKey }]))
    assert.equal(verifyInputWith(checker, 0, 0, one.flags) ?? 'OK', one.expected, one.text)
    seen.add(one.expected)

    const passes = one.expected === 'OK'
    const variants = [...SCRIPT_FLAGS_BY_NAME.values()]
    for (let i = 0; i < 32; i++) variants.push(random.next().value & ALL_SCRIPT_VERIFY_FLAGS)
    for (const extra of variants) {
      const flags = passes ? one.flags & ~extra : one.flags | extra
      if (!sound(flags)) continue
      assert.equal(verifyInputWith(checker, 0, 0, flags) === undefined, passes, `flags ${flags}: ${one.text}`)
    }
  }
  for (const name of seen) assert.ok(name === 'OK' || SCRIPT_ERRORS.includes(name as never), name)
})
