import assert from 'node:assert/strict'
import { appendFile, mkdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { noise, SwarmBench } from '../../../test/swarm-fixtures.ts'
import type { HashJob, PieceHashes } from './hash-job.ts'
import { HashPool } from './hash-pool.ts'
import { makeTorrent } from './make-torrent.ts'

const bench = await SwarmBench.create('make-torrent')
after(() => bench.close())

/** Hashes only after somebody has done something to the files. */
class LatePool extends HashPool {
  meanwhile: () => Promise<void> = async () => {}

  override async run(job: HashJob): Promise<PieceHashes[]> {
    await this.meanwhile()
    return super.run(job)
  }
}

const pool = new LatePool(1)
after(() => pool.close())

test('what cannot be shared is told by name, with what to do', async () => {
  const folder = bench.folder()
  await mkdir(join(folder, 'empty'), { recursive: true })
  await writeFile(join(folder, 'file'), 'words')
  await writeFile(join(folder, 'nothing'), '')
  await symlink('file', join(folder, 'link'))
  await symlink('loop', join(folder, 'loop'))
  const cases: [path: string, code: string, next: RegExp][] = [
    [join(folder, 'none'), 'file-missing', /that is there/],
    [join(folder, 'file', 'below'), 'file-missing', /that is there/],
    [join(folder, 'link'), 'path-is-a-link', /^name what it leads to: .*file$/],
    [join(folder, 'loop'), 'path-is-a-link', /^name a file or folder$/],
    ['/dev/null', 'path-not-a-file', /^name a file or folder$/],
    [join(folder, 'x'.repeat(300)), 'cannot-read', /read it/],
    [join(folder, 'empty'), 'torrent-no-files', /with files in it/],
    [join(folder, 'nothing'), 'torrent-empty', /any bytes/],
  ]
  for (const [path, code, next] of cases) {
    await assert.rejects(makeTorrent(path, { version: 'v1' }, pool), { code, next }, path)
  }
})

test('a file that changes while it is hashed is named, and no torrent is made', async () => {
  const changes: [how: string, (path: string) => Promise<void>, message: RegExp][] = [
    ['shrinks', path => truncate(path, 10), /two was changed/],
    ['grows', path => appendFile(path, 'more'), /two was changed/],
    ['is written anew', path => utimes(path, 1, 1), /two was changed/],
    ['vanishes', path => rm(path), /two vanished/],
    [
      'gives way to a link',
      path => rename(path, `${path}.away`).then(() => symlink(`${path}.away`, path)),
      /two was ch/,
    ],
  ]
  for (const version of ['v1', 'hybrid'] as const) {
    for (const [how, change, message] of changes) {
      const folder = bench.folder()
      await mkdir(folder)
      for (const name of ['one', 'two']) await writeFile(join(folder, name), noise(50_000, 1))
      pool.meanwhile = () => change(join(folder, 'two'))
      await assert.rejects(
        makeTorrent(folder, { version }, pool),
        { code: 'file-changed', message, next: /again/ },
        how,
      )
    }
  }
})
