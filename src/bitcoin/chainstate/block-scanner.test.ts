import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, hex } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { MemoryFiles } from '../../sim/memory-files.ts'
import { xorInPlace } from './block-files.ts'
import { BlockScanner, type ScannedBlock } from './block-scanner.ts'

const MAGIC = hex('fabfb5da')

function frame(block: Uint8Array): Uint8Array {
  return new ByteWriter().bytes(MAGIC).u32(block.length).bytes(block).finish()
}

function scan(bytes: Uint8Array, key = new Uint8Array(8)): ScannedBlock[] {
  const files = new MemoryFiles()
  const hidden = bytes.slice()
  xorInPlace(hidden, key, 0)
  files.replace('a', hidden)
  const scanner = new BlockScanner(files.open('a'), MAGIC, key)
  const found: ScannedBlock[] = []
  for (let next = scanner.next(0); next !== undefined; next = scanner.next(next.position + next.bytes.length)) {
    found.push(next)
  }
  return found
}

/** Bytes without the magic's first byte, so that no frame begins in them. */
const GARBAGE = fc.uint8Array({ maxLength: 60 }).map(bytes => bytes.map(byte => (byte === MAGIC[0] ? 0 : byte)))

test('every whole block is found, whatever lies between', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(GARBAGE, fc.uint8Array({ minLength: 80, maxLength: 200 })), { maxLength: 8 }),
      GARBAGE,
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      (parts, end, key) => {
        const bytes = concatBytes(...parts.flatMap(([garbage, block]) => [garbage, frame(block)]), end)
        const found = scan(bytes, key)
        assert.deepEqual(
          found.map(block => block.bytes),
          parts.map(([, block]) => block),
        )
        for (const { position, bytes: block } of found) {
          assert.deepEqual(bytes.subarray(position, position + block.length), block)
        }
      },
    ),
  )
})

test('a false frame hides no true one', () => {
  const block = new Uint8Array(100).fill(7)
  const falseFrames = [
    MAGIC,
    concatBytes(MAGIC, hex('4f000000')),
    concatBytes(MAGIC, hex('ffffffff')),
    concatBytes(MAGIC, hex('00000001')),
    MAGIC.subarray(0, 3),
    concatBytes(MAGIC, MAGIC),
  ]
  for (const start of falseFrames) {
    const found = scan(concatBytes(start, frame(block), hex('00')))
    assert.deepEqual(
      found.map(({ bytes }) => bytes),
      [block],
    )
  }
})

test('a block that is cut off is passed over', () => {
  const block = new Uint8Array(100).fill(7)
  const file = concatBytes(frame(block), frame(block))
  for (const cut of [1, 50, 99, 100, 104, 107]) assert.equal(scan(file.subarray(0, file.length - cut)).length, 1)
  assert.deepEqual(scan(new Uint8Array(0)), [])
})
