import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { noise, SwarmBench } from '../../../test/swarm-fixtures.ts'
import { sha1 } from '../../base/crypto/hash.ts'
import { HashPool } from './hash-pool.ts'

const bench = await SwarmBench.create('hash-job')
const pool = new HashPool(1)
after(async () => {
  await pool.close()
  await bench.close()
})

// A pipe that nobody writes to holds whoever opens it for ever, unless he says that he will not wait.
test('only files are hashed: neither what a link leads to, nor a pipe', { timeout: 60_000 }, async () => {
  const folder = bench.folder()
  await mkdir(folder)
  const path = (name: string) => join(folder, name)
  const bytes = noise(1000, 1)
  await writeFile(path('file'), bytes)
  await symlink(path('file'), path('link'))
  const { status } = spawnSync('mkfifo', [path('pipe')])
  const hashes = await pool.run({
    sha1: true,
    pieces: ['file', 'link', ...(status === 0 ? ['pipe'] : []), 'file'].map(name => ({
      segments: [{ path: path(name), offset: 0, length: bytes.length }],
      levels: undefined,
      paddingBytes: 0,
    })),
  })
  const right = Buffer.from(sha1(bytes)).toString('hex')
  const found = hashes.map(hash => hash && Buffer.from(hash.sha1!).toString('hex'))
  assert.deepEqual(found, [right, undefined, ...(status === 0 ? [undefined] : []), right])
})

test('what is being hashed when the threads are ended is told so', { timeout: 60_000 }, async () => {
  const closing = new HashPool(1)
  const job = { sha1: true, pieces: [] }
  const jobs = [closing.run(job), closing.run(job)].map(running => assert.rejects(running, { code: 'closed' }))
  await closing.close()
  await Promise.all(jobs)
  await assert.rejects(closing.run(job), { code: 'closed' })
})
