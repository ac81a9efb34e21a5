import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as library from '../../src/node/swarm/index.ts'
import { type Ended, runNode } from '../run-node.ts'
import { noise } from '../swarm-fixtures.ts'

const TIMEOUT_MS = 120_000
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))
const root = await mkdtemp(join(tmpdir(), 'peers-library-'))
after(() => rm(root, { recursive: true, force: true }))

/** The examples in the docstrings of a file. */
async function examplesOf(path: string): Promise<string[]> {
  const source = await readFile(join(PACKAGE, path), 'utf8')
  return [...source.matchAll(/@example\n((?:^ *\* ?.*\n)*?)^ *\*(?:\/| @)/gm)].map(match =>
    match[1].replace(/^ *\* ?/gm, ''),
  )
}

/** The examples in TypeScript of a page. */
async function examplesOn(page: string): Promise<string[]> {
  const source = await readFile(join(PACKAGE, page), 'utf8')
  return [...source.matchAll(/```ts\n([\s\S]*?)```/g)].map(match => match[1])
}

// As it is where the package is installed.
await mkdir(join(root, 'node_modules'))
await symlink(PACKAGE, join(root, 'node_modules', 'peers-node'), 'dir')

/** Runs code against the built package, in a folder with an album. */
async function run(code: string, folder: string): Promise<Ended> {
  await mkdir(join(folder, 'album'), { recursive: true })
  await writeFile(join(folder, 'album', 'one.flac'), noise(300_000, 1))
  await writeFile(join(folder, 'album', 'two.flac'), noise(100_000, 2))
  const names = Object.keys(library).join(', ')
  const imports = code.includes('peers-node/bittorrent') ? '' : `import { ${names} } from 'peers-node/bittorrent'\n`
  await writeFile(join(folder, 'example.mjs'), `${imports}${code}`)
  return runNode(['example.mjs'], { cwd: folder, timeoutMs: TIMEOUT_MS })
}

test('the examples of the library run as they stand', async () => {
  const files = ['swarm-client.ts', 'make-torrent.ts', 'stream-server.ts', 'tracker-server.ts']
  const examples = (await Promise.all(files.map(name => examplesOf(`src/node/swarm/${name}`)))).flat()
  assert.equal(examples.length, 6)
  for (const [index, example] of examples.entries()) {
    const { status, err } = await run(example, join(root, `${index}`))
    assert.deepEqual([status, err], [0, ''], example)
  }
})

test('the examples of the guide run as they stand, and do what they say', async () => {
  const examples = await examplesOn('docs/guides/swarm-library.md')
  assert.equal(examples.length, 1)
  const folder = join(root, 'guide')
  const { status, out, err } = await run(examples[0], folder)
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /^piece \d+ is verified$/m)
  assert.match(out, /^two\.flac begins with [0-9a-f]{8}$/m)
  const fetched = await readFile(join(folder, 'downloads', 'album', 'one.flac'))
  assert.ok(fetched.equals(await readFile(join(folder, 'album', 'one.flac'))))
})

test('a copy of what was fetched is verified without a peer', async () => {
  const code = `
    const seeder = await SwarmClient.open({ stateFolder: './s1' })
    const { metainfo } = await seeder.seed('./album', { version: 'hybrid' })
    const other = await SwarmClient.open({ stateFolder: './s2' })
    const torrent = await other.add(metainfo, { folder: './copy' })
    console.log(torrent.state)
    await Promise.all([seeder.close(), other.close()])`
  const folder = join(root, 'copied')
  await run('', folder)
  await cp(join(folder, 'album'), join(folder, 'copy', 'album'), { recursive: true })
  assert.equal((await run(code, folder)).out, 'seeding\n')
})
