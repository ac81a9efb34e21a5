import assert from 'node:assert/strict'
import fs, { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { OpenFilesLimit } from './open-files-limit.ts'
import { ResumeStore } from './resume-store.ts'

const root = await mkdtemp(join(tmpdir(), 'peers-resume-'))
after(() => rm(root, { recursive: true }))

test('a journal that cannot be closed gives its place back, and its number is used no more', async t => {
  const limit = new OpenFilesLimit(1)
  const store = new ResumeStore(join(root, 'resume'), limit)
  store.note([{ piece: 1, firstBlock: 0, blockCount: 1 }])
  // As on a network's disk: the number is free, though what was written may be lost.
  const closing = t.mock.method(fs, 'closeSync', (file: number) => {
    closing.mock.restore()
    syncBuiltinESMExports()
    closeSync(file)
    throw Object.assign(new Error('EIO: i/o error, close'), { code: 'EIO' })
  })
  syncBuiltinESMExports()
  // Somebody else needs the only place.
  await limit.take()
  assert.equal(closing.mock.callCount(), 1)
  limit.give()
  assert.equal(limit.taken, 0)

  const path = join(root, 'somebody-elses')
  const other = openSync(path, 'w')
  store.note([{ piece: 2, firstBlock: 0, blockCount: 1 }])
  store.close()
  closeSync(other)
  assert.equal(readFileSync(path).length, 0)
  assert.equal(readFileSync(join(root, 'resume.journal')).length, 32)
  assert.equal(limit.taken, 0)
})
