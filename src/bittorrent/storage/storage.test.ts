import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, toHex } from '../../base/bytes/bytes.ts'
import { sha1, sha256 } from '../../base/crypto/hash.ts'
import type { BulkHash, Sha1State } from '../../base/ports/bulk-hash.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { encodeBencode } from '../bencode/encode.ts'
import { encodeInfo, planTorrent, type TorrentVersion } from '../metainfo/create-metainfo.ts'
import { merkleLevels, merklePad, merkleRoot } from '../metainfo/merkle.ts'
import { PIECE_BLOCK_BYTES, PieceMap } from '../metainfo/piece-map.ts'
import { parseTorrentInfo, type TorrentInfo } from '../metainfo/torrent-info.ts'
import { Bitfield } from '../wire/bitfield.ts'
import { BlockPool } from './block-pool.ts'
import { expectedHashes } from './expected-hashes.ts'
import { PieceAssembler, type StorageEffect } from './piece-assembler.ts'
import { decodeJournal, decodeResume, encodeJournalEntry, encodeResume } from './resume-data.ts'

class Sha1OfParts implements Sha1State {
  readonly parts: Uint8Array[] = []
  digest = () => sha1(concatBytes(...this.parts))
}

const HASH: BulkHash = {
  name: 'by the book',
  lanes: 3,
  sha1,
  sha256,
  sha256Pairs(pairs, out) {
    for (let at = 0; at < out.length; at += 32) out.set(sha256(pairs.slice(2 * at, 2 * at + 64)), at)
  },
  startSha1: () => new Sha1OfParts(),
  hashPieces(works) {
    for (const { sha1: state, parts, zeros, leaves } of works) {
      const bytes = concatBytes(...parts)
      ;(state as Sha1OfParts | undefined)?.parts.push(bytes, new Uint8Array(zeros))
      for (let i = 0; leaves !== undefined && i * PIECE_BLOCK_BYTES < bytes.length; i++) {
        leaves.set(sha256(bytes.slice(i * PIECE_BLOCK_BYTES, (i + 1) * PIECE_BLOCK_BYTES)), 32 * i)
      }
    }
  },
  hashPiecesAside: undefined,
}

const PIECE_LENGTH = 4 * PIECE_BLOCK_BYTES

interface Sample {
  info: TorrentInfo
  map: PieceMap
  space: Uint8Array
  layers: Map<string, Uint8Array>
}

/** A torrent of two files, and the bytes of its pieces. */
function sample(version: TorrentVersion, sizes = [150_001, 70_000]): Sample {
  const sources = sizes.map((length, i) => ({ path: [`${i}`], length }))
  const plan = planTorrent('t', sources, false, { version, pieceLength: PIECE_LENGTH })
  assert.ok(plan.ok)
  const space = new Uint8Array(plan.value.totalSize)
  const zero = new Uint8Array(32)
  const layers = new Map<string, Uint8Array>()
  const roots = plan.value.files.map(({ source, length, offset }, index) => {
    if (source === undefined) return undefined
    const data = space.subarray(offset, offset + length)
    data.forEach((_, i) => {
      data[i] = (i * 7 + (i >> 9) + index) & 255
    })
    const leaves: Uint8Array[] = []
    for (let at = 0; at < length; at += PIECE_BLOCK_BYTES) leaves.push(sha256(data.slice(at, at + PIECE_BLOCK_BYTES)))
    const root = merkleRoot(concatBytes(...leaves), merkleLevels(leaves.length), zero, sha256)
    const layer: Uint8Array[] = []
    for (let i = 0; i < leaves.length; i += 4)
      layer.push(merkleRoot(concatBytes(...leaves.slice(i, i + 4)), 2, zero, sha256))
    assert.deepEqual(merkleRoot(concatBytes(...layer), merkleLevels(layer.length), merklePad(2, sha256), sha256), root)
    layers.set(toHex(root), concatBytes(...layer))
    return root
  })
  const hashes: Uint8Array[] = []
  for (let at = 0; at < space.length; at += PIECE_LENGTH) hashes.push(sha1(space.slice(at, at + PIECE_LENGTH)))
  const info = parseTorrentInfo(encodeInfo(plan.value, { pieceHashes: concatBytes(...hashes), roots }))
  assert.ok(info.ok)
  // A v2-only torrent has padding at its end, too.
  const padded = new Uint8Array(info.value.totalSize)
  padded.set(space)
  return { info: info.value, map: new PieceMap(info.value), space: padded, layers }
}

/** Carries out effects on a disk in memory, in an order of its own; keeps the verdicts. */
class FakeDisk {
  readonly bytes: Uint8Array
  readonly verdicts: (StorageEffect & { type: 'verified' | 'failed' | 'contradiction' })[] = []
  readonly #sample: Sample
  readonly #queue: StorageEffect[] = []
  failWrites = false

  constructor(of: Sample) {
    this.#sample = of
    this.bytes = new Uint8Array(of.space.length)
  }

  collect(assembler: PieceAssembler): void {
    for (const effect of assembler.takeEffects()) {
      if (effect.type === 'write' || effect.type === 'read' || effect.type === 'hash') this.#queue.push(effect)
      else this.verdicts.push(effect)
    }
  }

  /** Does one thing that waits; false when nothing does. */
  step(assembler: PieceAssembler, pick: (bound: number) => number): boolean {
    this.collect(assembler)
    if (this.#queue.length === 0) return false
    const [effect] = this.#queue.splice(pick(this.#queue.length), 1)
    if (effect.type === 'hash') {
      HASH.hashPieces([effect.work])
      assembler.hashed(effect)
      this.collect(assembler)
      return true
    }
    if (effect.type !== 'write' && effect.type !== 'read') return true
    const { map, info } = this.#sample
    const start = effect.piece * info.pieceLength + effect.firstBlock * PIECE_BLOCK_BYTES
    if (effect.type === 'read') {
      const end = effect.piece * info.pieceLength + map.dataSize(effect.piece)
      const bytes = this.bytes.slice(start, Math.min(end, start + effect.blockCount * PIECE_BLOCK_BYTES))
      assembler.readBack(effect, bytes)
    } else {
      if (!this.failWrites) this.bytes.set(concatBytes(...effect.parts), start)
      assembler.written(effect, !this.failWrites)
    }
    this.collect(assembler)
    return true
  }

  drain(assembler: PieceAssembler): void {
    while (this.step(assembler, () => 0)) {}
  }
}

function makeAssembler(
  of: Sample,
  options = { flushAboveBytes: 2 ** 30, heldBytesMax: 2 ** 31 },
  pool = new BlockPool(),
): PieceAssembler {
  return new PieceAssembler(of.map, HASH, piece => expectedHashes(of.info, of.map, of.layers, piece), pool, options)
}

function deliver(assembler: PieceAssembler, of: Sample, piece: number, block: number, spoil = false): void {
  const start = piece * of.info.pieceLength + block * PIECE_BLOCK_BYTES
  const buffer = assembler.begin(piece, block)
  buffer.set(of.space.subarray(start, start + of.map.blockSize(piece, block)))
  if (spoil) buffer[0] ^= 1
  assembler.complete(piece, block, buffer)
}

function allBlocks(of: Sample): [piece: number, block: number][] {
  const blocks: [number, number][] = []
  for (let piece = 0; piece < of.map.pieceCount; piece++) {
    for (let block = 0; block < of.map.blockCount(piece); block++) blocks.push([piece, block])
  }
  return blocks
}

const versions = ['v1', 'v2', 'hybrid'] as const

test('blocks in any order, with little memory or much, end as verified pieces on the disk', () => {
  const samples = new Map(versions.map(version => [version, sample(version)]))
  fc.assert(
    fc.property(fc.constantFrom(...versions), fc.nat(), fc.boolean(), (version, seed, scarce) => {
      const of = samples.get(version)!
      const random = seededRandom(seed)
      const assembler = makeAssembler(of, scarce ? { flushAboveBytes: 0, heldBytesMax: PIECE_LENGTH } : undefined)
      const disk = new FakeDisk(of)
      const blocks = allBlocks(of)
      while (blocks.length > 0) {
        const [[piece, block]] = blocks.splice(random.below(Math.min(6, blocks.length)), 1)
        deliver(assembler, of, piece, block)
        while (random.below(3) > 0 && disk.step(assembler, random.below)) {}
      }
      while (disk.step(assembler, random.below)) {}
      assert.deepEqual(
        disk.verdicts.map(v => v.type),
        new Array(of.map.pieceCount).fill('verified'),
      )
      assert.deepEqual(disk.bytes, of.space)
      assert.equal(assembler.isFull, false)
    }),
    { numRuns: 60 },
  )
})

test('a spoiled piece fails with the digests of its blocks, and the right one brings them too', () => {
  for (const version of versions) {
    const of = sample(version)
    const assembler = makeAssembler(of)
    const disk = new FakeDisk(of)
    for (let block = 0; block < 4; block++) deliver(assembler, of, 1, block, block === 2)
    disk.drain(assembler)
    for (let block = 0; block < 4; block++) deliver(assembler, of, 1, block)
    disk.drain(assembler)
    const [bad, good] = disk.verdicts
    assert.ok(bad.type === 'failed' && good.type === 'verified')
    const hash = version === 'v1' ? sha1 : sha256
    const right = [0, 1, 2, 3].map(block => {
      const start = PIECE_LENGTH + block * PIECE_BLOCK_BYTES
      return hash(of.space.slice(start, start + PIECE_BLOCK_BYTES))
    })
    assert.deepEqual(good.digests, concatBytes(...right))
    const size = right[0].length
    assert.equal(bad.digests!.length, 4 * size)
    const differing = [0, 1, 2, 3].filter(
      block => toHex(bad.digests!.slice(size * block, size * block + size)) !== toHex(right[block]),
    )
    assert.deepEqual(differing, [2])
  }
})

test('blocks from before a restart are read back and count', () => {
  const of = sample('v1')
  const assembler = makeAssembler(of)
  const disk = new FakeDisk(of)
  disk.bytes.set(of.space.subarray(0, 2 * PIECE_BLOCK_BYTES))
  assembler.restoreBlocks(0, [0, 1])
  deliver(assembler, of, 0, 3)
  deliver(assembler, of, 0, 2)
  disk.drain(assembler)
  assert.deepEqual(disk.verdicts, [{ type: 'verified', piece: 0, digests: undefined }])
  assembler.restoreBlocks(1, [0, 1, 2, 3])
  disk.drain(assembler)
  assert.equal(disk.verdicts[1].type, 'failed')
})

test('a disk that fails blames nobody, and frees all memory', () => {
  const of = sample('hybrid')
  const assembler = makeAssembler(of, { flushAboveBytes: 0, heldBytesMax: 1 })
  const disk = new FakeDisk(of)
  disk.failWrites = true
  for (let block = 0; block < 4; block++) deliver(assembler, of, 0, block)
  disk.drain(assembler)
  assert.deepEqual(disk.verdicts[0], { type: 'failed', piece: 0, digests: new Uint8Array(0) })
  assert.equal(assembler.isFull, false)
})

test('what the disk has lost comes again, whether it was written or on its way', () => {
  const of = sample('hybrid')
  const pool = new BlockPool()
  const assembler = makeAssembler(of, undefined, pool)
  const disk = new FakeDisk(of)
  for (const block of [0, 1]) deliver(assembler, of, 0, block)
  assembler.flushAll()
  disk.drain(assembler)
  deliver(assembler, of, 1, 0)
  assembler.flushAll()
  assembler.giveUpAll()
  disk.drain(assembler)
  const lost = (piece: number) => ({ type: 'failed' as const, piece, digests: new Uint8Array(0) })
  assert.deepEqual(disk.verdicts, [lost(0), lost(1)])
  assert.equal(pool.bytesInUse, 0)
  for (let block = 0; block < 4; block++) deliver(assembler, of, 0, block)
  disk.drain(assembler)
  assert.deepEqual(disk.verdicts[2], { type: 'verified', piece: 0, digests: undefined })
})

test('torrents that share memory do not wait for each other for ever', () => {
  const of = sample('v1')
  const pool = new BlockPool()
  const room = 8 * PIECE_BLOCK_BYTES
  const assemblers = [0, 1].map(() => makeAssembler(of, { flushAboveBytes: room, heldBytesMax: room }, pool))
  const disks = assemblers.map(() => new FakeDisk(of))
  const drain = () => {
    for (const [i, disk] of disks.entries()) disk.drain(assemblers[i])
  }
  // Blocks that wait for their neighbours, and for the first of their piece to be hashed.
  for (const assembler of assemblers) {
    for (const piece of [0, 1]) for (const block of [1, 2]) deliver(assembler, of, piece, block)
  }
  drain()
  assert.equal(assemblers[0].isFull, true)
  // What is arriving holds nobody up: it could not go on arriving.
  const arriving = assemblers[0].begin(2, 0)
  for (let i = 0; i < 3; i++) {
    for (const assembler of assemblers) assembler.relieve()
    drain()
  }
  assert.equal(assemblers[0].isFull, false)
  assemblers[0].abort(arriving)
  for (const assembler of assemblers) {
    for (const piece of [0, 1]) for (const block of [0, 3]) deliver(assembler, of, piece, block)
  }
  drain()
  for (const { verdicts } of disks) {
    assert.deepEqual(
      verdicts.map(({ type }) => type),
      ['verified', 'verified'],
    )
  }
  assert.deepEqual([pool.bytesInUse, pool.arriving, pool.held, pool.kept], [0, 0, 0, 0])
})

test('what is read back for a piece that was given up is nothing to the next attempt at it', () => {
  const of = sample('v1')
  const assembler = makeAssembler(of)
  const disk = new FakeDisk(of)
  assembler.restoreBlocks(0, [0, 1, 2, 3])
  const [read] = assembler.takeEffects()
  assert.ok(read.type === 'read')
  assembler.dropAll()
  for (let block = 0; block < 4; block++) deliver(assembler, of, 0, block)
  assembler.readBack(read, new Uint8Array(PIECE_LENGTH))
  disk.drain(assembler)
  assert.deepEqual(disk.verdicts, [{ type: 'verified', piece: 0, digests: undefined }])
})

test('a torrent that ends in the middle leaves no block behind', () => {
  const of = sample('v1')
  const pool = new BlockPool()
  const assembler = makeAssembler(of, undefined, pool)
  const disk = new FakeDisk(of)
  // One comes before its turn and waits for its hash after it is written; one is written after all is given up.
  deliver(assembler, of, 0, 2)
  assembler.flushAll()
  disk.drain(assembler)
  assert.equal(pool.bytesInUse, PIECE_BLOCK_BYTES)
  deliver(assembler, of, 1, 0)
  assembler.flushAll()
  assembler.dropAll()
  disk.drain(assembler)
  assert.equal(pool.bytesInUse, 0)
  assert.deepEqual(disk.verdicts, [])
})

test('a hybrid whose halves do not agree on a piece is wrong itself, and nobody is to blame', () => {
  const of = sample('hybrid')
  for (const layer of of.layers.values()) layer[0] ^= 1
  const assembler = makeAssembler(of)
  const disk = new FakeDisk(of)
  for (let block = 0; block < 4; block++) deliver(assembler, of, 0, block)
  disk.drain(assembler)
  assert.deepEqual(disk.verdicts, [{ type: 'contradiction', piece: 0 }])
})

test('resume data survives the way, and nothing else is taken for it', () => {
  const have = new Bitfield(11)
  have.add(3)
  have.add(10)
  const snapshot = {
    have,
    files: [
      { size: 5, modifiedMs: 1_700_000_000_123, changedMs: 1_700_000_000_124 },
      { size: 0, modifiedMs: 0, changedMs: 0 },
    ],
    inParts: new Set([1]),
    parts: { size: 7, modifiedMs: 1_700_000_000_456, changedMs: undefined },
  }
  const bytes = encodeResume(snapshot)
  const decoded = decodeResume(bytes, 11, 2)
  assert.ok(decoded.ok)
  assert.deepEqual(decoded.value, snapshot)
  const codes = [decodeResume(bytes, 20, 2), decodeResume(bytes, 11, 3), decodeResume(bytes.slice(0, -1), 11, 2)]
  const expected = ['resume-other-torrent', 'resume-other-torrent', 'resume-damaged']
  assert.deepEqual(
    codes.map(v => !v.ok && v.code),
    expected,
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), noise => assert.equal(decodeResume(noise, 11, 2).ok, false)))
})

test('resume data of the version before is read, though it does not tell when anything of a file was changed', () => {
  const have = new Bitfield(3)
  have.add(1)
  const body = encodeBencode({
    files: [
      [5, 9, 0],
      [0, 0, 1],
    ],
    have: have.bytes,
    parts: [7, 8],
    version: 2,
  })
  const decoded = decodeResume(Buffer.concat([sha1(body), body]), 3, 2)
  assert.ok(decoded.ok)
  const state = (size: number, modifiedMs: number) => ({ size, modifiedMs, changedMs: undefined })
  assert.deepEqual(decoded.value, {
    have,
    files: [state(5, 9), state(0, 0)],
    inParts: new Set([1]),
    parts: state(7, 8),
  })
})

test('a journal is read up to its first broken entry', () => {
  const entries = [
    { piece: 0, firstBlock: 0, blockCount: 16 },
    { piece: 7, firstBlock: 3, blockCount: 1 },
  ]
  const bytes = concatBytes(...entries.map(encodeJournalEntry))
  assert.deepEqual(
    decodeJournal(bytes, () => 16, 8),
    entries,
  )
  assert.deepEqual(
    decodeJournal(bytes.slice(0, -1), () => 16, 8),
    entries.slice(0, 1),
  )
  assert.deepEqual(
    decodeJournal(bytes, () => 15, 8),
    [],
  )
  const torn = bytes.slice()
  torn[20] ^= 1
  assert.deepEqual(
    decodeJournal(torn, () => 16, 8),
    entries.slice(0, 1),
  )
})
