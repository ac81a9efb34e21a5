import assert from 'node:assert/strict'
import { test } from 'node:test'
import { peerPriority } from './peer-priority.ts'

const at = (host: string, port = 6881) => ({ host, port })

test('BEP 40: priorities are as the text has them, from both sides', () => {
  const own = at('123.213.32.10')
  assert.equal(peerPriority(own, at('98.76.54.32')), 0xec2d7224)
  assert.equal(peerPriority(at('98.76.54.32'), own), 0xec2d7224)
  assert.equal(peerPriority(own, at('123.213.32.234')), 0x99568189)
})

test('ports count where the address is the same, and only there', () => {
  assert.notEqual(peerPriority(at('1.2.3.4', 1), at('1.2.3.4', 2)), peerPriority(at('1.2.3.4', 1), at('1.2.3.4', 3)))
  assert.equal(peerPriority(at('1.2.3.4', 1), at('9.9.9.9', 2)), peerPriority(at('1.2.3.4', 5), at('9.9.9.9', 6)))
})

test('neighbours of one far network count as one, those of our own do not', () => {
  assert.equal(peerPriority(at('1.2.3.4'), at('9.9.9.9')), peerPriority(at('1.2.3.4'), at('9.9.11.11')))
  assert.notEqual(peerPriority(at('1.2.3.4'), at('1.2.3.5')), peerPriority(at('1.2.3.4'), at('1.2.3.7')))
  assert.equal(
    peerPriority(at('2001:db8:1::1'), at('2001:db8:2::1')),
    peerPriority(at('2001:db8:1::1'), at('2001:db8:2:8800::1')),
  )
  assert.notEqual(peerPriority(at('2001:db8:1::1'), at('2001:db8:2::1')), 0)
  assert.equal(peerPriority(at('1.2.3.4'), at('2001:db8::1')), 0)
})
