import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RoomWait } from './disk-room.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** Nothing can be where a file is in the way. */
const NOWHERE = join(import.meta.filename, 'nowhere')

/** How long it waits from now until it looks again. */
function waitMs(room: RoomWait, now: number): number {
  let ms = 0
  while (!room.isDue(now + ms)) ms += 1000
  return ms
}

function hasRoom(room: RoomWait, folder: string, now: number): Promise<boolean> {
  return room.look(0, folder, tmpdir(), now)
}

test('a disk that is full though there seems to be room is tried ever more seldom', async () => {
  const room = new RoomWait()
  const waits: number[] = []
  let now = 0
  for (let i = 0; i < 13; i++) {
    room.begin(now)
    const ms = waitMs(room, now)
    waits.push(ms / 1000)
    now += ms
    assert.equal(await hasRoom(room, tmpdir(), now), true)
    room.end()
    // It takes that long until what was fetched is to become durable.
    now += 10_000
  }
  assert.deepEqual(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600])
  now += HOUR
  room.begin(now)
  assert.equal(waitMs(room, now), 2000, 'after an hour without')
})

test('a disk that shows that it is full is looked at as often as ever', async () => {
  const room = new RoomWait()
  let now = 0
  for (let i = 0; i < 6; i++) {
    room.begin(now)
    room.end()
  }
  room.begin(now)
  assert.equal(waitMs(room, now), 128_000)
  now += 128_000
  for (let i = 0; i < 3; i++) {
    assert.equal(await hasRoom(room, NOWHERE, now), false)
    assert.equal(waitMs(room, now), 2000)
    now += 2000
  }
  assert.equal(await hasRoom(room, tmpdir(), now), true)
})

test('who was paused while the disk was looked at waits no more', async () => {
  const room = new RoomWait()
  for (const folder of [tmpdir(), NOWHERE]) {
    room.begin(0)
    const looking = hasRoom(room, folder, 2000)
    room.end()
    assert.equal(await looking, false)
    assert.ok(!room.isWaiting && !room.isDue(HOUR))
  }
})
