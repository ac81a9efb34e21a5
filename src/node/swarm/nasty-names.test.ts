import assert from 'node:assert/strict'
import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { after, test } from 'node:test'
import { SwarmBench } from '../../../test/swarm-fixtures.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { type Bencodable, encodeBencode } from '../../bittorrent/bencode/encode.ts'
import { byteKey } from '../../bittorrent/bencode/value.ts'
import { parseMetainfo } from '../../bittorrent/metainfo/metainfo.ts'
import { PieceMap } from '../../bittorrent/metainfo/piece-map.ts'
import { FilePlaces } from './file-places.ts'
import { OpenFilesLimit } from './open-files-limit.ts'
import { TorrentFiles } from './torrent-files.ts'

const TORRENTS = 108
const FILES_PER_TORRENT = 100
const bench = await SwarmBench.create('nasty')
after(() => bench.close())

/** Parts of names that lead elsewhere, mean something to some system, or cannot be told apart. */
const PARTS = [
  ...['..', '.', '', '/', '\\', '../..', '..\\..', '/etc/passwd', 'C:\\windows', 'c:', '~', '~root', '$HOME', '%TEMP%'],
  ...['nul', 'CON', 'aux.txt', 'COM1', 'lpt9.', 'a', 'A', 'a ', 'a.', ' a', '.hidden', '-rf', '*', '?', '|', '<', '>'],
  ...['\0', 'a\0b', '\n', '\r', '\t', '\u001b[2J', '\u202egpj', '\u200b', '\ufeff', 'e\u0301', '\u00e9', '\ufb01', '…'],
  ...[
    'a/../../b',
    '....//',
    '..\u2215',
    '\u2024\u2024',
    '\uff0e\uff0e',
    '\ud83d\ude00',
    'x'.repeat(255),
    'ü'.repeat(200),
  ],
  ...['.pad', '..;', '..%2f', 'file:', '\\\\server\\share', '::$DATA', 'desktop.ini', 'x'.repeat(5000)],
].map(utf8)
/** Bytes that are no UTF-8. */
const BROKEN = [
  Uint8Array.of(0xff),
  Uint8Array.of(0xc0, 0xaf),
  Uint8Array.of(0xc0, 0xae, 0xc0, 0xae),
  Uint8Array.of(0xed, 0xa0, 0x80),
]
const ALL = [...PARTS, ...BROKEN]

/** Numbers below a bound, the same in every run. */
function numbers(seed: number): (bound: number) => number {
  let state = seed
  return bound => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

/** Names of one, two or three parts, stuck together or one below the other. */
function nastyPath(below: (bound: number) => number): Uint8Array[] {
  const part = () => ALL[below(ALL.length)]
  return Array.from({ length: 1 + below(3) }, () =>
    below(2) === 0 ? part() : new Uint8Array(Buffer.concat([part(), part()])),
  )
}

function torrentV1(paths: readonly Uint8Array[][], name: Uint8Array): Uint8Array {
  const files = paths.map(path => ({ length: 1, path, 'path.utf-8': path }))
  return encodeBencode({ info: { files, name, 'piece length': 16_384, pieces: new Uint8Array(20) } })
}

function torrentV2(paths: readonly Uint8Array[][], name: Uint8Array): Uint8Array {
  const tree = new Map<string, Bencodable>()
  for (const [i, path] of paths.entries()) {
    const root = new Uint8Array(32).fill(i + 1)
    const file = new Map<string, Bencodable>([['', { length: 1, 'pieces root': root }]])
    tree.set(byteKey(path[0].length === 0 ? utf8(`${i}`) : path[0]), file)
  }
  return encodeBencode({ info: { 'file tree': tree, 'meta version': 2, name, 'piece length': 16_384 } })
}

/** Everything below a folder that is no folder. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => !entry.isDirectory()).map(entry => join(entry.parentPath, entry.name))
}

/** Writes one byte to each file of a torrent; the number of files. */
async function writeAll(metainfo: Uint8Array, folder: string): Promise<number> {
  const parsed = parseMetainfo(metainfo)
  if (!parsed.ok) return 0
  const { info } = parsed.value
  const map = new PieceMap(info)
  const places = await FilePlaces.load(info, join(folder, '..', 'places'), folder)
  const files = new TorrentFiles(info, map, places, '', new OpenFilesLimit())
  const stored = info.files.flatMap((file, index) => (file.padding ? [] : [index]))
  for (const index of stored) await files.write(info.files[index].offset, [Uint8Array.of(index % 251)])
  await files.close()
  // Each file is one of its own, holds its own byte, and lies below the torrent's folder.
  const paths = stored.map(index => files.path(index))
  assert.equal(new Set(paths).size, paths.length)
  for (const [i, path] of paths.entries()) {
    assert.ok(resolve(path) === path && path.startsWith(join(folder, info.name) + (info.singleFile ? '' : sep)), path)
    assert.ok((await lstat(path)).isFile(), path)
    assert.deepEqual([...(await readFile(path))], [stored[i] % 251], path)
  }
  assert.deepEqual((await filesBelow(folder)).toSorted(), paths.toSorted())
  return paths.length
}

test('10,000 files with nasty names: each is written, and no byte outside the folder', async () => {
  const world = bench.folder()
  // As deep as names could climb.
  const inner = join(world, 'a', 'b', 'c', 'd')
  await mkdir(inner, { recursive: true })
  await writeFile(join(world, 'a', 'outside'), 'untouched')
  const below = numbers(20_261)
  let written = 0
  let accepted = 0
  for (let torrent = 0; torrent < TORRENTS; torrent++) {
    const paths = Array.from({ length: FILES_PER_TORRENT }, () => nastyPath(below))
    const name = ALL[torrent % ALL.length]
    const folder = join(inner, `${torrent}`)
    const isV2 = torrent % 5 === 4
    const count = await writeAll(isV2 ? torrentV2(paths, name) : torrentV1(paths, name), folder)
    written += count
    if (count > 0) accepted++
    if (count > 0) {
      assert.deepEqual((await readdir(inner)).toSorted(), [`${torrent}`])
      await rm(folder, { recursive: true })
    }
  }
  assert.deepEqual(
    (await filesBelow(world)).map(path => relative(world, path)),
    [join('a', 'outside')],
  )
  assert.equal(await readFile(join(world, 'a', 'outside'), 'utf8'), 'untouched')
  // The others have no name at all.
  assert.equal(accepted, TORRENTS - 2)
  assert.ok(written >= 10_000, `${written} files`)
})
