import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex, toHex } from '../../base/bytes/bytes.ts'
import { findAndDeletePush } from './find-and-delete.ts'
import { script } from './script-builder.ts'
import { ScriptReader } from './script-reader.ts'

function deleted(scriptHex: string, dataHex: string): string {
  return toHex(findAndDeletePush(hex(scriptHex), hex(dataHex)))
}

test('pushes are deleted at the boundaries of operations alone', () => {
  assert.equal(deleted('51024f4f52', '4f4f'), '5152')
  assert.equal(deleted('01aa01aa51', 'aa'), '51')
  assert.equal(deleted('0302aabb51', 'aabb'), '0302aabb51', 'inside another push')
  assert.equal(deleted('0051', ''), '51', 'the empty signature is OP_0')
  assert.equal(deleted('5102aabb4c', 'aabb'), '514c', 'a cut push behind it stays')
})

test('longer data is found under the push that its length asks for', () => {
  const data = new Uint8Array(80).fill(7)
  assert.equal(toHex(findAndDeletePush(script(0x51, data, 0x52), data)), '5152')
})

test('a script without the push comes back itself', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ minLength: 61, maxLength: 70 }), (bytes, data) => {
      assert.equal(findAndDeletePush(bytes, data), bytes)
    }),
  )
})

test('nothing deletable is left, whatever the bytes', () => {
  const byte = fc.constantFrom(0, 1, 2, 0x4c, 0x51)
  const bytes = fc.array(byte, { maxLength: 24 }).map(list => Uint8Array.from(list))
  fc.assert(
    fc.property(bytes, fc.constantFrom('', '01', '0151'), (source, data) => {
      const push = toHex(script(hex(data)))
      const reader = new ScriptReader(source)
      let expected = ''
      while (!reader.atEnd) {
        const at = reader.position
        const rest = toHex(source.subarray(at))
        if (rest.startsWith(push)) {
          reader.position += push.length / 2
          continue
        }
        if (!reader.next()) {
          expected += rest
          break
        }
        expected += toHex(source.subarray(at, reader.position))
      }
      assert.equal(toHex(findAndDeletePush(source, hex(data))), expected)
    }),
  )
})
