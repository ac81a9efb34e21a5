import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readSharedJson, sharedPath, skipWithout } from '../../../test/shared-data.ts'
import { toHex } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { type Bencodable, encodeBencode } from '../bencode/encode.ts'
import { type Metainfo, parseMetainfo } from './metainfo.ts'

interface OracleFile {
  path: string
  size: number
  pad: boolean
}

type OracleVerdict =
  | { ok: false; error: string }
  | {
      ok: true
      v1: string | null
      v2: string | null
      name: string
      pieces: number
      pieceLength: number
      totalSize: number
      files: OracleFile[]
    }

/** The oracle lists at most so many files of a torrent. */
const ORACLE_FILES_MAX = 50

/** Torrents on the list of those that we judge otherwise on purpose, each with its reason. */
function writtenDifferences(): string[] {
  const page = readFileSync(new URL('../../../docs/LIBTORRENT-DIFFERENCES.md', import.meta.url), 'utf8')
  return [...page.matchAll(/^\| `([^`]+\.torrent)` *\| .{20,} \| .{20,} \|$/gm)].map(([, name]) => name)
}

function differencesFrom(oracle: OracleVerdict, ours: ReturnType<typeof parseMetainfo>): string[] {
  if (oracle.ok !== ours.ok) return [`ours ${ours.ok ? 'accepted' : ours.code}`]
  if (!oracle.ok || !ours.ok) return []
  const { info } = ours.value
  const seen = {
    v1: info.infohashV1 ? toHex(info.infohashV1) : null,
    v2: info.infohashV2 ? toHex(info.infohashV2) : null,
    name: info.name,
    pieces: info.pieceCount,
    pieceLength: info.pieceLength,
    totalSize: info.totalSize,
    files: info.files.slice(0, ORACLE_FILES_MAX).map(file => ({
      path: file.padding ? '' : file.path.join('/'),
      size: file.length,
      pad: file.padding,
    })),
  }
  const { ok: _, ...expected } = oracle
  expected.files = expected.files.map(file => (file.pad ? { ...file, path: '' } : file))
  try {
    assert.deepEqual(seen, expected)
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}

test('judges 119 torrents as libtorrent does, but for a written list', {
  skip: skipWithout('vectors', 'torrents'),
}, () => {
  const folder = sharedPath('vectors', 'torrents')!
  const verdicts = readSharedJson<{ torrents: Record<string, OracleVerdict> }>(
    'vectors',
    'torrents',
    'libtorrent-verdicts.json',
  ).torrents
  const names = readdirSync(folder).filter(name => name.endsWith('.torrent'))
  assert.equal(names.length, 119)
  assert.deepEqual(names.toSorted(), Object.keys(verdicts).toSorted())
  const written = writtenDifferences()
  const different = names.filter(name => {
    const ours = parseMetainfo(new Uint8Array(readFileSync(`${folder}/${name}`)))
    const differences = differencesFrom(verdicts[name], ours)
    if (!written.includes(name)) assert.deepEqual(differences, [], name)
    return differences.length > 0
  })
  assert.deepEqual(different.toSorted(), written.toSorted())
})

function parsed(fields: Parameters<typeof encodeBencode>[0]): Metainfo {
  const verdict = parseMetainfo(encodeBencode(fields))
  assert.ok(verdict.ok)
  return verdict.value
}

const INFO = { length: 5, name: 'a', 'piece length': 16_384, pieces: new Uint8Array(20) }

test('reads what stands around the info section', () => {
  const metainfo = parsed({
    announce: 'http://ignored/',
    'announce-list': [['http://a/', ' http://a/ ', 'udp://b:1'], [], [7], ['http://c/']],
    comment: 'c',
    'created by': 'me',
    'creation date': 12,
    httpseeds: ['http://h/'],
    info: INFO,
    nodes: [['router', 6881], ['bad', 70_000], 'bad'],
    'url-list': 'http://w/',
  })
  assert.deepEqual(metainfo.trackers, [['http://a/', 'udp://b:1'], ['http://c/']])
  assert.deepEqual(metainfo.webSeeds, ['http://w/'])
  assert.deepEqual(metainfo.httpSeeds, ['http://h/'])
  assert.deepEqual(metainfo.nodes, [{ host: 'router', port: 6881 }])
  assert.deepEqual([metainfo.comment, metainfo.createdBy, metainfo.creationDate], ['c', 'me', 12])
  assert.deepEqual(parsed({ announce: 'http://a/', info: INFO }).trackers, [['http://a/']])
})

test('BEP 27: a torrent is private only where private is 1', () => {
  assert.equal(parsed({ info: { ...INFO, private: 1 } }).info.private, true)
  assert.equal(parsed({ info: { ...INFO, private: 0 } }).info.private, false)
  assert.equal(parsed({ info: INFO }).info.private, false)
})

test('the infohash is that of the bytes as they came, even with keys out of order', () => {
  const sorted = parsed({ info: INFO }).info
  const shuffled = utf8('d4:infod4:name1:a6:lengthi5e12:piece lengthi16384e6:pieces20:')
  const verdict = parseMetainfo(Uint8Array.from([...shuffled, ...new Uint8Array(20), 101, 101]))
  assert.ok(verdict.ok)
  assert.notDeepEqual(verdict.value.info.infohashV1, sorted.infohashV1)
  assert.equal(verdict.value.info.totalSize, 5)
})

/** A v2 torrent of so many files, so many folders deep. */
function deepTorrent(files: number, depth: number): Uint8Array {
  const leaves = new Map<string, Bencodable>()
  for (let i = 0; i < files; i++) {
    const file = i === 0 ? { length: 1, 'pieces root': new Uint8Array(32).fill(1) } : { length: 0 }
    leaves.set(`f${i}`, new Map([['', file]]))
  }
  let tree = leaves
  for (let i = 0; i < depth; i++) tree = new Map([['folder', tree]])
  return encodeBencode({ info: { 'file tree': tree, 'meta version': 2, name: 'n', 'piece length': 16_384 } })
}

test('a small file that stands for many long paths costs neither much time nor much memory', () => {
  const started = performance.now()
  const deep = parseMetainfo(deepTorrent(60_000, 55))
  assert.ok(deep.ok && deep.value.info.files.length >= 60_000)
  assert.ok(performance.now() - started < 10_000)
  const deeper = parseMetainfo(deepTorrent(80_000, 55))
  assert.equal(deeper.ok || deeper.code, 'torrent-too-many-files')
})

test('refuses paths that no system takes', () => {
  const files = [{ length: 5, path: Array.from({ length: 40 }, () => 'x'.repeat(200)) }]
  const { length: _, ...info } = INFO
  const verdict = parseMetainfo(encodeBencode({ info: { ...info, files } }))
  assert.equal(verdict.ok || verdict.code, 'torrent-path-too-long')
})

test('texts of any length are refused or left out, not taken apart', () => {
  const long = new Uint8Array(8_000_000).fill(97)
  const metainfo = parsed({ announce: long, comment: long, 'created by': 'me', info: INFO, nodes: [[long, 1]] })
  assert.deepEqual([metainfo.trackers, metainfo.comment, metainfo.createdBy], [[], undefined, 'me'])
  const named = parsed({ info: { ...INFO, name: long } })
  assert.equal(named.info.name, 'a'.repeat(240))
})

const ROOT = new Uint8Array(32).fill(7)

test('BEP 52: one root cannot stand for files of two lengths', () => {
  const file = (length: number) => new Map([['', { length, 'pieces root': ROOT }]])
  const tree = (second: number) =>
    new Map([
      ['a', file(20_000)],
      ['b', file(second)],
    ])
  const info = { 'meta version': 2, name: 'n', 'piece length': 16_384 }
  assert.ok(parseMetainfo(encodeBencode({ info: { ...info, 'file tree': tree(20_000) } })).ok)
  const verdict = parseMetainfo(encodeBencode({ info: { ...info, 'file tree': tree(60_000) } }))
  assert.equal(verdict.ok || verdict.code, 'torrent-root-of-two-lengths')
})

test('BEP 52: the halves of a hybrid have their files in the same pieces', () => {
  const hybrid = (paddingBytes: number) => {
    const files = [
      { length: 1, path: ['a'] },
      { attr: 'p', length: paddingBytes, path: ['.pad', '1'] },
      { length: 1, path: ['b'] },
    ]
    const file = (fill: number) => new Map([['', { length: 1, 'pieces root': new Uint8Array(32).fill(fill) }]])
    const pieces = new Uint8Array(20 * Math.ceil((paddingBytes + 2) / 16_384))
    const tree = new Map([
      ['a', file(1)],
      ['b', file(2)],
    ])
    const info = { 'file tree': tree, files, 'meta version': 2, name: 'n', 'piece length': 16_384, pieces }
    return parseMetainfo(encodeBencode({ info }))
  }
  assert.ok(hybrid(16_383).ok)
  const apart = hybrid(16_383 + 16_384)
  assert.equal(apart.ok || apart.code, 'torrent-hybrid-mismatch')
})
