import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SwarmBench } from '../../../test/swarm-fixtures.ts'
import type { Log } from '../log.ts'
import { SwarmSession } from './swarm-session.ts'

const bench = await SwarmBench.create('session')
after(() => bench.close())

/** A log that keeps what goes wrong. */
function quietLog(): { readonly log: Log; readonly warnings: string[] } {
  const warnings: string[] = []
  const log = { info: () => {}, warning: (text: string) => warnings.push(text) }
  return { log: log as unknown as Log, warnings }
}

async function openSession(stateFolder: string, log: Log): Promise<SwarmSession> {
  return SwarmSession.open({ stateFolder, port: 0, host: '127.0.0.1', hashThreads: 1 }, log)
}

test('a session is closed while files are being hashed, and goes on at the next start', {
  timeout: 60_000,
}, async () => {
  const stateFolder = bench.folder()
  const folder = bench.folder()
  await mkdir(folder)
  await writeFile(join(folder, 'film.bin'), randomBytes(40_000_000))
  const { log, warnings } = quietLog()
  const first = await openSession(stateFolder, log)
  await first.share(join(folder, 'film.bin'), {})
  await first.close()
  for (const name of await readdir(stateFolder)) if (name.includes('.resume')) await unlink(join(stateFolder, name))

  const second = await openSession(stateFolder, log)
  const [entry] = second.torrents
  while (entry.torrent?.state !== 'checking') await new Promise(resolve => setImmediate(resolve))
  await second.close()
  assert.deepEqual([entry.torrent.state, entry.failure, entry.torrent.error], ['closed', undefined, undefined])

  const third = await openSession(stateFolder, log)
  const [again] = third.torrents
  while (again.torrent === undefined) await new Promise(resolve => setImmediate(resolve))
  if (again.torrent.state !== 'seeding') await once(again.torrent, 'state', { signal: AbortSignal.timeout(30_000) })
  while (again.torrent.state === 'checking') await once(again.torrent, 'state')
  assert.equal(again.torrent.state, 'seeding')
  await third.close()
  assert.deepEqual(warnings, [])
})

test('a folder that is a file is refused at once, and nothing of the torrent stays', async () => {
  const stateFolder = bench.folder()
  const { log } = quietLog()
  const session = await openSession(stateFolder, log)
  const path = bench.folder()
  await writeFile(path, 'mine')
  const link = `magnet:?xt=urn:btih:${randomBytes(20).toString('hex')}`
  for (const folder of [path, join(path, 'below')]) {
    await assert.rejects(session.add(link, { folder }), { code: 'cannot-write', next: 'choose another folder' })
  }
  assert.deepEqual(session.torrents, [])
  await session.close()
  assert.equal(await readFile(path, 'utf8'), 'mine')
})

test('limits that are none are refused, and not remembered', async () => {
  const stateFolder = bench.folder()
  const { log, warnings } = quietLog()
  const session = await openSession(stateFolder, log)
  const link = `magnet:?xt=urn:btih:${randomBytes(20).toString('hex')}`
  const entry = await session.add(link, { folder: bench.folder() })
  for (const limit of [Number.NaN, -1, 0]) {
    await assert.rejects(session.setLimits({ upload: 1, download: limit }), { code: 'limit-invalid' })
    await assert.rejects(session.setTorrentLimits(entry, { upload: limit }), { code: 'limit-invalid' })
  }
  await session.close()
  const again = await openSession(stateFolder, log)
  assert.deepEqual([again.limits.upload, again.torrents[0].record.uploadLimit], [Number.POSITIVE_INFINITY, undefined])
  await again.close()
  assert.deepEqual(warnings, [])
})

test('a torrent that is removed before its turn after a start never runs, and leaves nothing behind', async () => {
  const stateFolder = bench.folder()
  const { log, warnings } = quietLog()
  const link = () => `magnet:?xt=urn:btih:${randomBytes(20).toString('hex')}`
  const first = await openSession(stateFolder, log)
  for (let i = 0; i < 12; i++) await first.add(link(), { folder: bench.folder() })
  await first.close()
  for (const { record } of first.torrents) await writeFile(join(stateFolder, `${record.infohash}.resume`), 'remembered')

  const second = await openSession(stateFolder, log)
  const removed = [second.torrents[0], second.torrents.at(-1)!]
  for (const entry of removed) assert.equal(entry.torrent, undefined)
  await Promise.all(removed.map(entry => second.remove(entry)))
  for (const entry of second.torrents) {
    while (entry.torrent === undefined) await new Promise(resolve => setImmediate(resolve))
  }
  for (const { record, torrent } of removed) {
    assert.equal(torrent, undefined)
    // The client has it not: it can be added anew.
    const again = await second.add(`magnet:?xt=urn:btih:${record.infohash}`, { folder: bench.folder() })
    assert.deepEqual([again.failure, again.torrent?.state], [undefined, 'metadata'])
    await second.remove(again)
  }
  await second.close()
  const names = await readdir(stateFolder)
  for (const { record } of removed)
    assert.deepEqual(
      names.filter(name => name.startsWith(record.infohash)),
      [],
    )
  assert.deepEqual(warnings, [])
})
