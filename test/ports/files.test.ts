import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { OperationError } from '../../src/base/errors.ts'
import type { Files } from '../../src/base/ports/files.ts'
import { NodeFiles } from '../../src/platform/node-files.ts'
import { MemoryFiles } from '../../src/sim/memory-files.ts'
import { SimDisk } from '../../src/sim/sim-disk.ts'

const IMPLEMENTATIONS: Readonly<Record<string, () => { files: Files; end: () => void }>> = {
  NodeFiles() {
    const folder = mkdtempSync(join(tmpdir(), 'peers-files-'))
    return { files: new NodeFiles(folder), end: () => rmSync(folder, { recursive: true }) }
  },
  MemoryFiles: () => ({ files: new MemoryFiles(), end: () => {} }),
  SimDisk() {
    const files = new SimDisk().folder('inside')
    files.makeFolder('')
    return { files, end: () => {} }
  },
}

function failsWith(code: string, call: () => unknown): void {
  assert.throws(call, (error: unknown) => error instanceof OperationError && error.code === code)
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

for (const [name, make] of Object.entries(IMPLEMENTATIONS)) {
  const conforms = (title: string, check: (files: Files) => void): void => {
    test(`${name}: ${title}`, () => {
      const { files, end } = make()
      try {
        check(files)
      } finally {
        end()
      }
    })
  }

  conforms('a file is as long as what was written, with zeros in its gaps', files => {
    const file = files.open('a.dat', { create: true })
    assert.equal(file.size(), 0)
    file.writeAt(bytes(1, 2, 3), 4)
    assert.equal(file.size(), 7)
    file.sync()
    assert.deepEqual(files.read('a.dat'), bytes(0, 0, 0, 0, 1, 2, 3))
    file.writeAt(bytes(9), 1)
    assert.equal(file.size(), 7)
    file.close()
    assert.deepEqual(files.read('a.dat'), bytes(0, 9, 0, 0, 1, 2, 3))
  })

  conforms('reading stops at the end of the file', files => {
    files.replace('a', bytes(1, 2, 3))
    const file = files.open('a')
    const into = new Uint8Array(4)
    assert.equal(file.readAt(into, 1), 2)
    assert.deepEqual(into, bytes(2, 3, 0, 0))
    assert.equal(file.readAt(into, 3), 0)
    assert.equal(file.readAt(into, 100), 0)
    assert.equal(file.readAt(into.subarray(0, 2), 0), 2)
    assert.deepEqual(into, bytes(1, 2, 0, 0))
    file.close()
  })

  conforms('truncation cuts and extends, and what was cut does not come back', files => {
    const file = files.open('a', { create: true })
    file.writeAt(bytes(1, 2, 3, 4), 0)
    file.truncate(2)
    file.truncate(5)
    file.close()
    assert.deepEqual(files.read('a'), bytes(1, 2, 0, 0, 0))
  })

  conforms('opening again keeps what is there, with create or without', files => {
    files.replace('a', bytes(7))
    files.open('a', { create: true }).close()
    files.open('a').close()
    assert.deepEqual(files.read('a'), bytes(7))
  })

  conforms('a file opened for reading alone is not written', files => {
    files.replace('a', bytes(7))
    const file = files.open('a', { readOnly: true })
    failsWith('file-error', () => file.writeAt(bytes(8), 0))
    file.close()
    assert.deepEqual(files.read('a'), bytes(7))
  })

  conforms('what is missing is said to be', files => {
    failsWith('file-missing', () => files.open('a'))
    failsWith('file-missing', () => files.open('a', { readOnly: true }))
    failsWith('file-missing', () => files.read('a'))
    failsWith('file-missing', () => files.rename('a', 'b'))
    failsWith('file-missing', () => files.open('folder/a', { create: true }))
    failsWith('file-missing', () => files.replace('folder/a', bytes(1)))
    assert.equal(files.exists('a'), false)
    assert.deepEqual(files.list('folder'), [])
    files.remove('a')
  })

  conforms('folders are made with those above them, and listed by name', files => {
    files.makeFolder('x/y')
    files.makeFolder('x/y')
    files.replace('x/b', bytes(1))
    files.replace('x/a', bytes(2))
    files.replace('x/y/c', bytes(3))
    assert.deepEqual(files.list('x'), ['a', 'b', 'y'])
    assert.deepEqual(files.list('x/y'), ['c'])
    assert.deepEqual(files.list(''), ['x'])
    assert.ok(files.exists('x') && files.exists('x/y') && files.exists('x/y/c'))
    files.remove('x/y')
    assert.deepEqual(files.list('x'), ['a', 'b'])
    assert.equal(files.exists('x/y/c'), false)
  })

  conforms('replacing and renaming put one file in the place of another', files => {
    files.replace('a', bytes(1, 2, 3))
    files.replace('a', bytes(4))
    assert.deepEqual(files.read('a'), bytes(4))
    files.replace('b', bytes(5))
    files.rename('b', 'a')
    assert.deepEqual(files.read('a'), bytes(5))
    assert.deepEqual(files.list(''), ['a'])
  })

  conforms('what was read is a copy', files => {
    files.replace('a', bytes(1))
    files.read('a')[0] = 2
    assert.deepEqual(files.read('a'), bytes(1))
  })
}
