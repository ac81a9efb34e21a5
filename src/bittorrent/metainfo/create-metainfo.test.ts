import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, toHex } from '../../base/bytes/bytes.ts'
import { sha1, sha256 } from '../../base/crypto/hash.ts'
import {
  choosePieceLength,
  encodeInfo,
  encodeMetainfo,
  planTorrent,
  type SourceFile,
  type TorrentVersion,
} from './create-metainfo.ts'
import { MERKLE_BLOCK_BYTES, merkleLevels, merklePad, merkleRoot } from './merkle.ts'
import { parseMetainfo } from './metainfo.ts'
import { PieceMap } from './piece-map.ts'

/** A file's tree by BEP 52, from its bytes. */
function hashFile(data: Uint8Array, pieceLength: number): { root: Uint8Array; layer: Uint8Array | undefined } {
  const leaves: Uint8Array[] = []
  for (let at = 0; at < data.length; at += MERKLE_BLOCK_BYTES)
    leaves.push(sha256(data.slice(at, at + MERKLE_BLOCK_BYTES)))
  const zero = new Uint8Array(32)
  const root = merkleRoot(concatBytes(...leaves), merkleLevels(leaves.length), zero, sha256)
  if (data.length <= pieceLength) return { root, layer: undefined }
  const perPiece = pieceLength / MERKLE_BLOCK_BYTES
  const layer: Uint8Array[] = []
  for (let i = 0; i < leaves.length; i += perPiece) {
    layer.push(merkleRoot(concatBytes(...leaves.slice(i, i + perPiece)), merkleLevels(perPiece), zero, sha256))
  }
  const pad = merklePad(merkleLevels(perPiece), sha256)
  assert.deepEqual(merkleRoot(concatBytes(...layer), merkleLevels(layer.length), pad, sha256), root)
  return { root, layer: concatBytes(...layer) }
}

function create(contents: Map<string, Uint8Array>, version: TorrentVersion, pieceLength: number): Uint8Array {
  const sources: SourceFile[] = [...contents].map(([path, data]) => ({ path: path.split('/'), length: data.length }))
  const plan = planTorrent('folder', sources, false, { version, pieceLength })
  assert.ok(plan.ok)
  const space = new Uint8Array(plan.value.totalSize)
  const roots: (Uint8Array | undefined)[] = []
  const pieceLayers = new Map<string, Uint8Array>()
  for (const { source, offset } of plan.value.files) {
    const data = source && contents.get(source.path.join('/'))!
    if (data) space.set(data, offset)
    const tree = data && data.length > 0 ? hashFile(data, pieceLength) : undefined
    roots.push(tree?.root)
    if (tree?.layer) pieceLayers.set(toHex(tree.root), tree.layer)
  }
  const hashes: Uint8Array[] = []
  for (let at = 0; at < space.length; at += pieceLength) hashes.push(sha1(space.slice(at, at + pieceLength)))
  const info = encodeInfo(plan.value, { pieceHashes: concatBytes(...hashes), roots, pieceLayers })
  return encodeMetainfo(info, version === 'v1' ? undefined : pieceLayers)
}

const fileName = fc.constantFrom('a', 'b', 'B2', 'c.txt', 'd/x', 'd/y', 'd/z/q', 'é')
const contents = fc
  .uniqueArray(fc.tuple(fileName, fc.nat(100_000)), { selector: ([name]) => name, minLength: 1, maxLength: 6 })
  .filter(files => files.some(([, size]) => size > 0))
  .map(files => new Map(files.map(([name, size]) => [name, new Uint8Array(size).fill(name.charCodeAt(0))])))

test('what is created parses back, in any order of the sources', () => {
  fc.assert(
    fc.property(contents, fc.constantFrom('v1' as const, 'v2' as const, 'hybrid' as const), (files, version) => {
      const bytes = create(files, version, 16_384)
      assert.deepEqual(create(new Map([...files].reverse()), version, 16_384), bytes)
      const parsed = parseMetainfo(bytes)
      assert.ok(parsed.ok)
      const { info } = parsed.value
      assert.equal(info.infohashV1 !== undefined, version !== 'v2')
      assert.equal(info.infohashV2 !== undefined, version !== 'v1')
      const listed = info.files.filter(file => !file.padding)
      assert.deepEqual(
        new Map(listed.map(file => [file.path.slice(1).join('/'), file.length])),
        new Map([...files].map(([name, data]) => [name, data.length])),
      )
      assert.equal(parsed.value.pieceLayers.size > 0, version !== 'v1' && listed.some(file => file.length > 16_384))
    }),
    { numRuns: 40 },
  )
})

test('pieces and slices cover every byte of the files once', () => {
  fc.assert(
    fc.property(contents, fc.constantFrom('v1' as const, 'v2' as const, 'hybrid' as const), (files, version) => {
      const parsed = parseMetainfo(create(files, version, 32_768))
      assert.ok(parsed.ok)
      const { info } = parsed.value
      const map = new PieceMap(info)
      const covered = new Map<number, number>()
      let total = 0
      for (let piece = 0; piece < info.pieceCount; piece++) {
        total += map.size(piece)
        assert.ok(map.dataSize(piece) >= 1 && map.dataSize(piece) <= map.size(piece))
        if (version === 'v2') assert.ok(map.merklePlace(piece) !== undefined)
        for (const slice of map.slices(piece * info.pieceLength, map.dataSize(piece))) {
          assert.equal(slice.fileOffset, covered.get(slice.file) ?? 0)
          covered.set(slice.file, slice.fileOffset + slice.length)
        }
      }
      assert.equal(total, info.totalSize)
      info.files.forEach((file, index) => {
        if (!file.padding) assert.equal(covered.get(index) ?? 0, file.length)
      })
    }),
    { numRuns: 60 },
  )
})

test('refuses names that a receiver would change', () => {
  const plan = (paths: string[][]) =>
    planTorrent(
      't',
      paths.map(path => ({ path, length: 1 })),
      false,
      { version: 'v1' },
    )
  const codes = [[['a\\b']], [['nul']], [['A'], ['a']], []].map(paths => {
    const planned = plan(paths)
    return planned.ok ? 'accepted' : planned.code
  })
  assert.deepEqual(codes, ['torrent-name-unsafe', 'torrent-name-unsafe', 'torrent-names-collide', 'torrent-no-files'])
})

test('chooses piece lengths by size', () => {
  assert.equal(choosePieceLength(1), 16_384)
  assert.equal(choosePieceLength(2 ** 30), 1024 * 1024)
  assert.equal(choosePieceLength(2 ** 42), 16 * 1024 * 1024)
})
