import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex } from '../../base/bytes/bytes.ts'
import { hashTypeName, scriptToAsm } from './script-asm.ts'

const SIGNATURE =
  '304402207fa7a6d1e0ee81132a269ad84e68d695483745cde8b541e3bf630749894e342a02207c1f7ed20e13eb47f64a97f1ab1f43e0fcb9d1bc1b8d1f4c9b1b8cbb5ae4ad52'

test('opcodes by name, short pushes as numbers, longer ones as hex', () => {
  assert.equal(
    scriptToAsm(hex(`76a914${'ab'.repeat(20)}88ac`)),
    `OP_DUP OP_HASH160 ${'ab'.repeat(20)} OP_EQUALVERIFY OP_CHECKSIG`,
  )
  assert.equal(scriptToAsm(hex('004f5160ba')), '0 -1 1 16 OP_CHECKSIGADD')
  assert.equal(scriptToAsm(hex('0181028003040000008005aabbccddee')), '-1 896 0 aabbccddee')
  assert.equal(
    scriptToAsm(hex('bbff50b1b2')),
    'OP_UNKNOWN OP_INVALIDOPCODE OP_RESERVED OP_CHECKLOCKTIMEVERIFY OP_CHECKSEQUENCEVERIFY',
  )
  assert.equal(scriptToAsm(hex('5105aa')), '1 [error]')
  assert.equal(scriptToAsm(hex('')), '')
})

test('signatures show their hash type where asked, and not behind OP_RETURN', () => {
  const push = `47${SIGNATURE}83`
  assert.equal(scriptToAsm(hex(push), true), `${SIGNATURE}[SINGLE|ANYONECANPAY]`)
  assert.equal(scriptToAsm(hex(push)), `${SIGNATURE}83`)
  assert.equal(scriptToAsm(hex(`6a${push}`), true), `OP_RETURN ${SIGNATURE}83`)
  assert.equal(scriptToAsm(hex(`47${SIGNATURE}04`), true), `${SIGNATURE}04`)
  assert.equal(hashTypeName(4), '')
})
