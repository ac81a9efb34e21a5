import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkArchitecture, type SourceTree } from './architecture/check-architecture.ts'

const SOURCES = fileURLToPath(new URL('../src/', import.meta.url))

function readTree(): SourceTree {
  const tree = new Map<string, string>()
  for (const entry of readdirSync(SOURCES, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = posix.join(entry.parentPath, entry.name)
    tree.set(posix.relative(SOURCES, path), readFileSync(path, 'utf8'))
  }
  return tree
}

test('src/ keeps to the plan of the house', () => {
  const tree = readTree()
  assert.ok(tree.size > 100)
  assert.deepEqual(checkArchitecture(tree), [])
})

/** A tree of made-up files, with the READMEs that it needs. */
function treeOf(files: Readonly<Record<string, string>>): SourceTree {
  const tree = new Map(Object.entries(files))
  for (const path of Object.keys(files)) {
    for (let at = posix.dirname(path); at !== '.'; at = posix.dirname(at)) tree.set(`${at}/README.md`, '')
  }
  return tree
}

function problemsOf(files: Readonly<Record<string, string>>): string {
  return checkArchitecture(treeOf(files)).join('\n')
}

test('arrows downwards are fine', () => {
  const files = {
    'base/a.ts': 'export const a = 1\n',
    'bitcoin/primitives/b.ts': "import { a } from '../../base/a.ts'\nexport const b = a\n",
    'archive/c.ts': "import '../bitcoin/primitives/b.ts'\nimport '../bittorrent/bencode/d.ts'\n",
    'bittorrent/bencode/d.ts': '',
    'platform/e.ts': "import { readFileSync } from 'node:fs'\nimport type { A } from '../base/a.ts'\nDate.now()\n",
    'index.ts': "export * from './cli/f.ts'\n",
    'cli/f.ts': "import { Command } from 'commander'\n",
  }
  assert.equal(problemsOf(files), '')
})

test('an arrow upwards fails, whatever kind of import it is', () => {
  for (const statement of [
    "import { x } from '../consensus/x.ts'",
    "import type { x } from '../consensus/x.ts'",
    "export * from '../consensus/x.ts'",
    "const x = await import('../consensus/x.ts')",
    "let x: import('../consensus/x.ts').X",
  ]) {
    assert.match(problemsOf({ 'bitcoin/script/a.ts': statement }), /script\/a\.ts \(floor 2\) imports .*\(floor 3\)/)
  }
  assert.match(problemsOf({ 'bitcoin/script/a.ts': "import '../params/b.ts'" }), /floor 2.*floor 2/)
})

test('an arrow from wing to wing fails in either direction', () => {
  assert.match(problemsOf({ 'bitcoin/p2p/a.ts': "import '../../bittorrent/bencode/b.ts'" }), /one wing into the other/)
  assert.match(
    problemsOf({ 'bittorrent/feed/a.ts': "import '../../bitcoin/primitives/b.ts'" }),
    /one wing into the other/,
  )
})

test('adapters import base alone', () => {
  assert.match(problemsOf({ 'sim/a.ts': "import '../bitcoin/primitives/b.ts'" }), /may import base alone/)
  assert.match(problemsOf({ 'platform/a.ts': "import '../sim/b.ts'" }), /floor 8.*floor 8/)
})

test('a circle of folders fails, but not one between a folder and those inside it', () => {
  const circle = {
    'base/x/a.ts': "import '../y/b.ts'",
    'base/y/b.ts': "import '../z/c.ts'",
    'base/z/c.ts': "import '../x/a.ts'",
  }
  assert.match(problemsOf(circle), /circle: base\/x → base\/y → base\/z → base\/x/)
  assert.equal(problemsOf({ 'node/a.ts': "import './b/c.ts'", 'node/b/c.ts': "import '../a.ts'" }), '')
})

test('an impure name on a pure floor fails, outside comments, strings and properties', () => {
  const pure = (code: string): string => problemsOf({ 'bitcoin/script/a.ts': code })
  for (const code of ['Date.now()', 'const now = new Date()', 'process.exit()', 'setTimeout(f, 1)', 'let b: Buffer']) {
    assert.match(pure(code), /pure but mentions/, code)
  }
  assert.match(pure('const { x } = process'), /mentions process/)
  assert.match(pure('const text = `at $' + '{performance.now()}`'), /mentions performance/)
  assert.match(pure('const luck = Math.random()'), /mentions Math.random/)
  assert.match(pure('const log = { console }'), /mentions console/)
  assert.match(pure("import { x } from 'node:fs'"), /pure but imports node:fs/)
  const innocent = [
    '// Date.now() and process.exit()',
    '/** console.log */',
    "const a = 'Date', b = `process`, c = /console\\.log/",
    'const d = e.process, f = { fetch: 1 }, g = f.fetch, h = Math.floor(1.5)',
    'interface Clock { performance: number }',
  ]
  assert.equal(pure(innocent.join('\n')), '')
  assert.equal(problemsOf({ 'node/a.ts': 'Date.now()' }), '')
})

test('packages are imported in their places alone', () => {
  const hashes = "import { sha256 } from '@noble/hashes/sha2.js'"
  assert.equal(problemsOf({ 'base/crypto/a.ts': hashes }), '')
  assert.match(problemsOf({ 'bitcoin/script/a.ts': hashes }), /@noble\/hashes, which belongs in base\/crypto/)
  assert.match(problemsOf({ 'cli/a.ts': "import x from 'left-pad'" }), /left-pad, a package that has no place/)
})

test('names, READMEs, lengths and places are checked', () => {
  assert.match(problemsOf({ 'base/aB.ts': '' }), /base\/aB\.ts: the name is not in kebab-case/)
  assert.match(problemsOf({ 'base/a_b/c.ts': '' }), /base\/a_b: the name is not in kebab-case/)
  assert.deepEqual(checkArchitecture(new Map([['base/a.ts', '']])), ['base has no README.md'])
  assert.match(problemsOf({ 'utils/a.ts': '' }), /utils\/a\.ts stands on no floor/)
  assert.match(problemsOf({ 'node/a.ts': "import '../utils/b.ts'" }), /utils\/b\.ts, which stands on no floor/)
  assert.match(problemsOf({ 'base/a.ts': '\n'.repeat(501) }), /501 lines/)
  assert.equal(problemsOf({ 'base/a.ts': '\n'.repeat(500), 'base/a.test.ts': '\n'.repeat(900) }), '')
})

test('tests may reach for any floor', () => {
  assert.equal(problemsOf({ 'base/a.test.ts': "import '../sim/b.ts'\nDate.now()\n", 'sim/b.ts': '' }), '')
})
