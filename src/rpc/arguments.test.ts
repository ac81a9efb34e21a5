import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asAmount, asHash, asHex, asInt, parseFixedPoint } from './arguments.ts'
import { JsonNumber } from './json/json-value.ts'

test('fixed-point numbers are read exactly, or not at all', () => {
  // Bitcoin Core's util_tests, test_ParseFixedPoint.
  const cases: [string, bigint | undefined][] = [
    ['0', 0n],
    ['1', 100000000n],
    ['0.0', 0n],
    ['-0.1', -10000000n],
    ['1.1', 110000000n],
    ['1.10000000000000000', 110000000n],
    ['1.1e1', 1100000000n],
    ['1.1e-1', 11000000n],
    ['1000', 100000000000n],
    ['-1000', -100000000000n],
    ['0.00000001', 1n],
    ['0.0000000100000000', 1n],
    ['-0.00000001', -1n],
    ['1000000000.00000001', 100000000000000001n],
    ['9999999999.99999999', 999999999999999999n],
    ['-9999999999.99999999', -999999999999999999n],
    ['', undefined],
    ['-', undefined],
    ['a-1000', undefined],
    ['-a1000', undefined],
    ['-1000a', undefined],
    ['-01000', undefined],
    ['00.1', undefined],
    ['.1', undefined],
    ['--0.1', undefined],
    ['0.000000001', undefined],
    ['-0.000000001', undefined],
    ['0.00000001000000001', undefined],
    ['-10000000000.00000000', undefined],
    ['10000000000.00000000', undefined],
    ['-10000000000.00000001', undefined],
    ['-10000000000.00000009', undefined],
    ['-99999999999.99999999', undefined],
    ['9999909223372036854775807', undefined],
    ['1.', undefined],
    ['1e', undefined],
    ['1e-', undefined],
    ['1.1e', undefined],
    ['1.1e-', undefined],
    ['0e-9', undefined],
    ['1e99999999999', undefined],
  ]
  for (const [text, value] of cases) assert.equal(parseFixedPoint(text, 8), value, text)
})

const refusal = (code: number, message: string) => ({ name: 'RpcError', code, message })

test('amounts are numbers or strings within the money range', () => {
  assert.equal(asAmount(new JsonNumber('0.00000001')), 1)
  assert.equal(asAmount('21000000'), 2_100_000_000_000_000)
  assert.throws(() => asAmount(new JsonNumber('-1e-8')), refusal(-3, 'Amount out of range'))
  assert.throws(() => asAmount('21000000.00000001'), refusal(-3, 'Amount out of range'))
  assert.throws(() => asAmount(''), refusal(-3, 'Invalid amount'))
  assert.throws(() => asAmount(true), refusal(-3, 'Amount is not a number or string'))
})

test('whole numbers are whole and within their bits', () => {
  assert.equal(asInt(new JsonNumber('-2147483648')), -2147483648)
  assert.equal(asInt(5), 5)
  for (const text of ['1.0', '1e2', '2147483648']) {
    assert.throws(() => asInt(new JsonNumber(text)), refusal(-1, 'JSON integer out of range'))
  }
  assert.throws(() => asInt('1'), refusal(-3, 'JSON value of type string is not of expected type number'))
})

test('hashes and hex are explained', () => {
  assert.equal(asHash(`${'00'.repeat(31)}01`, 'txid')[0], 1)
  assert.throws(() => asHash('zz', 'txid'), refusal(-8, "txid must be of length 64 (not 2, for 'zz')"))
  const sixtyFour = 'zz'.repeat(32)
  assert.throws(() => asHash(sixtyFour, 'txid'), refusal(-8, `txid must be hexadecimal string (not '${sixtyFour}')`))
  assert.throws(() => asHex('', 'argument'), refusal(-8, "argument must be hexadecimal string (not '')"))
  assert.throws(
    () => asHex(new JsonNumber('1'), 'argument'),
    refusal(-8, "argument must be hexadecimal string (not '')"),
  )
})
