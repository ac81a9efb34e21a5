import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OperationError } from '../base/errors.ts'
import { seededRandom } from '../base/ports/seeded-random.ts'
import { SimDisk } from './sim-disk.ts'

const OLD = new Uint8Array(100).fill(1)
const NEW = new Uint8Array(50).fill(2)

/** A disk with a file that was synced as OLD and then written over in parts. */
function written(): SimDisk {
  const disk = new SimDisk()
  disk.folder('').makeFolder('a')
  const file = disk.folder('a').open('file', { create: true })
  file.writeAt(OLD, 0)
  file.sync()
  file.writeAt(NEW, 25)
  file.writeAt(NEW, 90)
  return disk
}

test('the end of a program loses nothing', () => {
  const disk = written()
  const after = disk.afterCrash(undefined)
  assert.deepEqual(after.folder('a').read('file'), disk.folder('a').read('file'))
  // What was not durable is not durable yet.
  const seen = new Set<string>()
  for (let seed = 0; seed < 50; seed++) seen.add(after.afterCrash(seededRandom(seed)).folder('a').read('file').join())
  assert.ok(seen.size > 10)
})

test('a loss of power may take or tear any write since the last sync, and nothing before it', () => {
  const disk = written()
  const sizes = new Set<number>()
  let torn = 0
  for (let seed = 0; seed < 200; seed++) {
    const file = disk.afterCrash(seededRandom(seed)).folder('a').read('file')
    sizes.add(file.length)
    assert.ok(file.length >= OLD.length && file.length <= 140)
    assert.deepEqual(file.subarray(0, 25), OLD.subarray(0, 25))
    const middle = file.subarray(25, 75).reduce((sum, byte) => sum + byte - 1, 0)
    if (middle > 0 && middle < 50) torn++
  }
  assert.ok(sizes.has(100) && sizes.has(140))
  assert.ok(torn > 20)
})

test('what is synced, replaced or renamed survives', () => {
  const disk = written()
  const files = disk.folder('a')
  files.open('file').sync()
  const whole = files.read('file')
  files.rename('file', 'other')
  files.replace('third', NEW)
  for (let seed = 0; seed < 20; seed++) {
    const after = disk.afterCrash(seededRandom(seed)).folder('a')
    assert.deepEqual(after.list(''), ['other', 'third'])
    assert.deepEqual(after.read('other'), whole)
    assert.deepEqual(after.read('third'), NEW)
  }
})

test('a store keeps a beginning of what was written, and all that was synced', async () => {
  const disk = new SimDisk()
  const store = await disk.openStore('coins')
  const put = (value: number, sync: boolean): Promise<void> => {
    return store.write([{ key: Uint8Array.of(1), value: Uint8Array.of(value) }], { sync })
  }
  await put(1, false)
  await put(2, true)
  await put(3, false)
  await put(4, false)
  const seen = new Set<number>()
  for (let seed = 0; seed < 50; seed++) {
    const after = await disk.afterCrash(seededRandom(seed)).openStore('coins')
    seen.add(after.get(Uint8Array.of(1))![0])
  }
  assert.deepEqual([...seen].sort(), [2, 3, 4])
  const ended = await disk.afterCrash(undefined).openStore('coins')
  assert.deepEqual(ended.get(Uint8Array.of(1)), Uint8Array.of(4))
})

test('a full disk takes nothing more, and what has gone before a crash is out of reach of the old hands', async () => {
  const disk = new SimDisk()
  const store = await disk.openStore('coins')
  disk.isFull = true
  const isFull = (error: unknown): boolean => error instanceof OperationError && error.code === 'disk-full'
  assert.throws(() => disk.folder('').replace('file', NEW), isFull)
  await assert.rejects(store.write([{ key: NEW, value: OLD }]), isFull)
  const after = disk.afterCrash(undefined)
  disk.isFull = false
  disk.folder('').replace('file', NEW)
  assert.equal(after.folder('').exists('file'), false)
})

test('a removed folder takes its stores along', async () => {
  const disk = new SimDisk()
  await (await disk.openStore('blocks/index')).write([{ key: NEW, value: OLD }])
  disk.folder('').remove('blocks')
  assert.equal((await disk.openStore('blocks/index')).get(NEW), undefined)
})
