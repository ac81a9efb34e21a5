import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFiles } from '../../sim/memory-files.ts'
import { removeLooseFiles } from './prune.ts'

test('before a pruned chain is rebuilt, what a scan cannot use is removed', () => {
  const files = new MemoryFiles()
  const make = (...names: string[]): void => {
    for (const name of names) files.open(name, { create: true }).close()
  }
  make('blk00000.dat', 'blk00001.dat', 'blk00003.dat', 'rev00000.dat', 'rev00003.dat', 'xor.dat')
  removeLooseFiles(files)
  assert.deepEqual(files.list(''), ['blk00000.dat', 'blk00001.dat', 'xor.dat'])
  files.remove('blk00000.dat')
  removeLooseFiles(files)
  assert.deepEqual(files.list(''), ['xor.dat'])
})
