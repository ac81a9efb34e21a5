import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { DirectoryLock } from './directory-lock.ts'

describe('a folder of one process', () => {
  let folder = ''
  let path = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'peers-lock-'))
    path = join(folder, '.lock')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is taken, refused to others, and free afterwards', () => {
    const lock = DirectoryLock.take(folder)
    assert.match(readFileSync(path, 'utf8'), new RegExp(`^${process.pid} `))
    assert.throws(() => DirectoryLock.take(folder), {
      code: 'folder-locked',
      message: `Cannot obtain a lock on directory ${folder}. Peers is probably already running.`,
    })
    lock.release()
    assert.ok(!existsSync(path))
    DirectoryLock.take(folder).release()
  })

  it('is free where its process is no more, or the number is another process’s now', () => {
    for (const text of ['4194304 1\n', `${process.pid} 1\n`, 'nonsense\n']) {
      writeFileSync(path, text)
      DirectoryLock.take(folder).release()
    }
  })

  it('is free where its process has ended, though nobody has asked how', async t => {
    if (process.platform !== 'linux') return t.skip('the kernel tells nobody')
    // The program that takes the shell's place knows of no child, and never asks.
    const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'])
    const [pid] = (await once(parent.stdout, 'data')).map(Number)
    while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) await new Promise(setImmediate)
    writeFileSync(path, `${pid}\n`)
    DirectoryLock.take(folder).release()
    const ended = once(parent, 'close')
    parent.kill()
    await ended
  })

  it('is not free while its lock is being written, but a blank one of old does not count', () => {
    writeFileSync(path, '')
    assert.throws(() => DirectoryLock.take(folder), { code: 'folder-locked' })
    utimesSync(path, new Date(0), new Date(0))
    DirectoryLock.take(folder).release()
  })

  it('tells where its process answers, for as long as it runs', () => {
    const lock = DirectoryLock.take(folder)
    assert.equal(DirectoryLock.rpcPortOf(folder), undefined)
    lock.noteRpcPort(18_443)
    assert.equal(DirectoryLock.rpcPortOf(folder), 18_443)
    assert.throws(() => DirectoryLock.take(folder), { code: 'folder-locked' })
    assert.equal(statSync(path).mode & 0o777, 0o600)
    lock.release()
    assert.deepEqual(readdirSync(folder), [])
    assert.equal(DirectoryLock.rpcPortOf(folder), undefined)
    writeFileSync(path, '4194304 1 18443\n')
    assert.equal(DirectoryLock.rpcPortOf(folder), undefined)
    // Where nobody says when a process began.
    writeFileSync(path, `${process.pid}  18443\n`)
    assert.equal(DirectoryLock.rpcPortOf(folder), 18_443)
  })

  it('does not give up what another has taken since', () => {
    const lock = DirectoryLock.take(folder)
    writeFileSync(path, '1 1\n')
    lock.release()
    assert.equal(readFileSync(path, 'utf8'), '1 1\n')
  })

  it('says so where nothing can be written', () => {
    assert.throws(() => DirectoryLock.take(join(folder, 'nowhere')), { code: 'folder-unwritable' })
  })
})
