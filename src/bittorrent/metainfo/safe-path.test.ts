import assert from 'node:assert/strict'
import { join, resolve, sep } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../base/bytes/utf8.ts'
import { isStorablePath, PathRegister, safeName, safePath } from './safe-path.ts'

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
    ['nul .txt', '_nul .txt'],
    ['CONIN$', '_CONIN$'],
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

test('tells names apart that some file systems take for one', () => {
  const twins = [
    ['stern', '\u017ftern'],
    ['λόγος', 'ΛΌΓΟΣ'],
    ['straße', 'STRASSE'],
    ['secret', 'sec\u200dret'],
    ['\ufeffnote', 'note'],
  ]
  for (const [first, second] of twins) {
    const register = new PathRegister()
    assert.deepEqual(register.claim(['t', first]), ['t', first])
    assert.deepEqual(register.claim(['t', second]), ['t', `${second}.1`])
  }
})

test('no name with a number is longer than file systems allow, and each is another', () => {
  const register = new PathRegister()
  const name = safeName(utf8(`${'ü'.repeat(300)}.abcdefghi`))!
  const claimed = Array.from({ length: 1200 }, () => register.claim(['t', name])[1])
  assert.equal(new Set(claimed).size, 1200)
  for (const each of claimed) assert.ok(utf8(each).length <= 255 && each.endsWith('.abcdefghi'), each)
})

test('a hundred thousand files that want few names get them without delay', () => {
  const register = new PathRegister()
  const started = performance.now()
  // Each number of `a` is taken before it is wanted, and each path asks for folders where files are.
  for (let i = 1; i <= 50_000; i++) register.claim(['t', `a.${i}`])
  for (let i = 0; i < 50_000; i++) register.claim(['t', 'a'])
  for (let i = 0; i < 50_000; i++) register.claim(['t', 'a', `${i}`])
  assert.ok(performance.now() - started < 10_000)
})

test('a path is storable while systems take it', () => {
  assert.ok(isStorablePath(Array.from({ length: 15 }, () => 'a'.repeat(240))))
  assert.ok(!isStorablePath(Array.from({ length: 17 }, () => 'a'.repeat(240))))
  assert.ok(!isStorablePath(Array.from({ length: 17 }, () => 'é'.repeat(120))))
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
