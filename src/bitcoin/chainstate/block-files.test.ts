import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { hex, toHex } from '../../base/bytes/bytes.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { OperationError } from '../../base/errors.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { MemoryFiles } from '../../sim/memory-files.ts'
import {
  BlockFiles,
  blockFileName,
  blockXorKey,
  decodeFileInfo,
  encodeFileInfo,
  RECORD_HEADER_SIZE,
  XOR_KEY_FILE,
  xorInPlace,
} from './block-files.ts'

const MAGIC = hex('fabfb5da')
const PARENT = new Uint8Array(32).fill(3)

for (const [name, xorKey] of [
  ['no XOR key', new Uint8Array(8)],
  ['a XOR key', hex('0102030405060708')],
] as const) {
  describe(`block files with ${name}`, () => {
    const make = (): { files: MemoryFiles; blocks: BlockFiles } => {
      const files = new MemoryFiles()
      return { files, blocks: new BlockFiles(files, MAGIC, portableCrypto, { xorKey, fastPrune: true }) }
    }

    test('give back what they were given, file after file', () => {
      const { files, blocks } = make()
      const random = seededRandom(1)
      const written = Array.from({ length: 60 }, (_, height) => {
        const block = random.bytes(80 + random.below(9000))
        const undo = random.bytes(random.below(500))
        const where = blocks.writeBlock(block, height, 1000 + height)
        return { block, undo, where, undoPosition: blocks.writeUndo(where.file, undo, PARENT) }
      })
      assert.ok(blocks.current >= 3)
      for (const { block, undo, where, undoPosition } of written) {
        assert.deepEqual(blocks.readBlock(where.file, where.position), block)
        assert.deepEqual(blocks.readUndo(where.file, undoPosition, PARENT), undo)
      }
      // No file but one with a single block is larger than it may be.
      for (const info of blocks.info) assert.ok(info.size < 0x1_0000)
      const heights = blocks.info.map(({ heightFirst, heightLast }) => [heightFirst, heightLast])
      assert.equal(heights[0][0], 0)
      assert.equal(heights.at(-1)![1], 59)
      for (let i = 1; i < heights.length; i++) assert.equal(heights[i][0], heights[i - 1][1] + 1)
      const onDisk = files.list('').reduce((sum, file) => sum + files.read(file).length, 0)
      assert.equal(blocks.totalBytes, onDisk)
      blocks.sync()
      blocks.close()
    })

    test('frame a block as Bitcoin Core does', () => {
      const { files, blocks } = make()
      const block = new Uint8Array(100).fill(5)
      assert.deepEqual(blocks.writeBlock(block, 1, 1), { file: 0, position: RECORD_HEADER_SIZE })
      const bytes = files.read('blk00000.dat')
      xorInPlace(bytes, xorKey, 0)
      assert.equal(toHex(bytes), `fabfb5da64000000${'05'.repeat(100)}`)
    })

    test('know damage from data', () => {
      const { files, blocks } = make()
      const block = seededRandom(2).bytes(200)
      const { position } = blocks.writeBlock(block, 1, 1)
      const undoPosition = blocks.writeUndo(0, block, PARENT)
      assert.equal(blocks.readUndo(0, undoPosition, new Uint8Array(32)), undefined)
      assert.equal(blocks.readBlock(0, position + 1), undefined)
      assert.equal(blocks.readBlock(0, 0), undefined)
      assert.equal(blocks.readBlock(1, position), undefined)
      assert.equal(blocks.readBlock(0, 10_000), undefined)
      const undoFile = files.open('rev00000.dat')
      for (const at of [undoPosition, undoPosition + 199, undoPosition + 200, undoPosition + 231]) {
        const byte = new Uint8Array(1)
        undoFile.readAt(byte, at)
        undoFile.writeAt(Uint8Array.of(byte[0] ^ 1), at)
        assert.equal(blocks.readUndo(0, undoPosition, PARENT), undefined)
        undoFile.writeAt(byte, at)
      }
      assert.deepEqual(blocks.readUndo(0, undoPosition, PARENT), block)
      files.open('blk00000.dat').truncate(position + 199)
      assert.equal(blocks.readBlock(0, position), undefined)
    })

    test('go when they are pruned', () => {
      const { files, blocks } = make()
      const block = new Uint8Array(40_000)
      for (let height = 0; height < 3; height++) {
        const { file } = blocks.writeBlock(block, height, height)
        blocks.writeUndo(file, new Uint8Array(10), PARENT)
      }
      assert.deepEqual(
        files.list(''),
        [0, 1, 2].flatMap(n => blockFileName(n)).concat([0, 1, 2].map(n => blockFileName(n, 'rev'))),
      )
      blocks.prune(1)
      assert.equal(files.exists('blk00001.dat') || files.exists('rev00001.dat'), false)
      assert.equal(blocks.readBlock(1, RECORD_HEADER_SIZE), undefined)
      assert.deepEqual(blocks.info[1].blocks, 0)
      assert.deepEqual(blocks.readBlock(2, RECORD_HEADER_SIZE), block)
    })
  })
}

test('the key falls on the same bytes wherever a range begins, aligned or not', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(1000),
      fc.nat(7),
      (key, data, position, offset) => {
        const buffer = new Uint8Array(data.length + offset)
        buffer.set(data, offset)
        const view = buffer.subarray(offset)
        xorInPlace(view, key, position)
        assert.deepEqual(
          view,
          data.map((byte, i) => byte ^ key[(position + i) % 8]),
        )
        xorInPlace(view, key, position)
        assert.deepEqual(view, data)
      },
    ),
  )
})

test('the key of a folder is made once, for a new folder alone', () => {
  const fresh = (): Uint8Array => hex('1122334455667788')
  const files = new MemoryFiles()
  assert.equal(toHex(blockXorKey(files, true, fresh)), '1122334455667788')
  assert.equal(toHex(blockXorKey(files, true, () => new Uint8Array(8))), '1122334455667788')
  assert.throws(
    () => blockXorKey(files, false, fresh),
    (error: unknown) => error instanceof OperationError && error.code === 'block-xor',
  )
  files.replace(XOR_KEY_FILE, hex('1122'))
  assert.throws(() => blockXorKey(files, true, fresh), OperationError)

  const adopted = new MemoryFiles()
  adopted.replace('blk00000.dat', new Uint8Array(1))
  assert.equal(toHex(blockXorKey(adopted, true, fresh)), '00'.repeat(8))
  const plain = new MemoryFiles()
  assert.equal(toHex(blockXorKey(plain, false, fresh)), '00'.repeat(8))
  assert.equal(toHex(blockXorKey(plain, true, fresh)), '00'.repeat(8))
})

test('what a file holds is written and read; less is refused', () => {
  const info = {
    blocks: 3,
    size: 70_000,
    undoSize: 9,
    heightFirst: 1,
    heightLast: 3,
    timeFirst: 5,
    timeLast: 2 ** 32 - 1,
  }
  const bytes = encodeFileInfo(info)
  assert.deepEqual(decodeFileInfo(bytes), info)
  assert.equal(decodeFileInfo(bytes.subarray(1)), undefined)
})
