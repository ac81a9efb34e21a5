import assert from 'node:assert/strict'
import { join, resolve, sep } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../base/bytes/utf8.ts'
import { PathRegister, safeName, safePath } from './safe-path.ts'

test('leaves ordinary names alone', () => {
  for (const name of ['a', 'album.flac', '…', '.hidden', 'ünïcödé', 'a:b', 'CONSOLE', 'com10.txt']) {
    assert.equal(safeName(utf8(name)), name)
  }
})

test('defuses names that mean more than themselves', () => {
  const cases: [string, string | undefined][] = [
    ['', '_'],
    ['.', undefined],
    ['..', undefined],
    ['/', undefined],
    ['../..', '...._'],
    ['/etc', 'etc'],
    ['a\\b', 'ab'],
    ['a\0b', 'ab'],
    ['gpj.\u202eexe', 'gpj.exe'],
    ['con', '_con'],
    ['Aux.txt', '_Aux.txt'],
    ['a ', 'a _'],
    ['a.', 'a._'],
  ]
  for (const [raw, safe] of cases) assert.equal(safeName(utf8(raw)), safe, JSON.stringify(raw))
  assert.equal(safeName(Uint8Array.of(0x82, 0x61, 0xff)), '_a_')
  assert.deepEqual(safePath([utf8('..'), utf8('..'), utf8('etc')]), ['etc'])
  assert.deepEqual(safePath([utf8('..')]), ['_'])
})

test('cuts long names and keeps their extension', () => {
  assert.equal(safeName(utf8(`${'a'.repeat(300)}.txt`)), `${'a'.repeat(240)}.txt`)
  assert.equal(utf8(safeName(utf8('é'.repeat(300)))!).length, 240)
})

test('tells colliding names apart', () => {
  const register = new PathRegister()
  assert.deepEqual(register.claim(['t', 'a.txt']), ['t', 'a.txt'])
  assert.deepEqual(register.claim(['t', 'A.TXT']), ['t', 'A.1.TXT'])
  assert.deepEqual(register.claim(['t', 'a.txt']), ['t', 'a.2.txt'])
  assert.deepEqual(register.claim(['t', 'e\u0301']), ['t', 'e\u0301'])
  assert.deepEqual(register.claim(['t', '\u00e9']), ['t', '\u00e9.1'])
  assert.deepEqual(register.claim(['t', 'a.txt', 'inner']), ['t', 'a.3.txt', 'inner'])
  assert.deepEqual(register.claim(['t', 'folder', 'x']), ['t', 'folder', 'x'])
  assert.deepEqual(register.claim(['t', 'Folder']), ['t', 'Folder.1'])
})

const nastyElement = fc.oneof(
  fc.constantFrom('..', '.', '', '/', '\\', '../..', '/etc/passwd', 'C:\\x', '~', 'nul', '\0', 'a/../../b', '....//'),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('.', '/', '\\', ' ', 'a', 'A', '\u202e', '\n'), maxLength: 12 }),
)

test('10,000 nasty lists of paths: all inside the folder, none twice, none a folder of another', () => {
  const root = resolve('/downloads/torrent')
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.oneof(nastyElement.map(utf8), fc.uint8Array({ maxLength: 8 })), { maxLength: 4 }), {
        minLength: 1,
        maxLength: 5,
      }),
      rawPaths => {
        const register = new PathRegister()
        const claimed = rawPaths.map(raw => register.claim(safePath(raw)))
        const seen = new Set<string>()
        for (const path of claimed) {
          const full = join(root, ...path)
          assert.ok(full.startsWith(root + sep) && full === [root, ...path].join(sep), full)
          assert.ok(!seen.has(full.toLowerCase()))
          seen.add(full.toLowerCase())
        }
        for (const path of claimed) {
          for (let depth = 1; depth < path.length; depth++) {
            assert.ok(!seen.has(join(root, ...path.slice(0, depth)).toLowerCase()))
          }
        }
      },
    ),
    { numRuns: 10_000 },
  )
})
