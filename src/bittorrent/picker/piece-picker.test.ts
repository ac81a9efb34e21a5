import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { Bitfield } from '../wire/bitfield.ts'
import { PiecePicker } from './piece-picker.ts'
import { RarityOrder } from './rarity-order.ts'

const BLOCKS = 4

function picker(pieces: number, seed = 1, options = {}): PiecePicker {
  return new PiecePicker(pieces, () => BLOCKS, seededRandom(seed), { randomFirstPieces: 0, ...options })
}

function peer(id: number, pieces: string): { id: number; has(piece: number): boolean; bits: Bitfield } {
  const bits = new Bitfield(pieces.length)
  for (let piece = 0; piece < pieces.length; piece++) if (pieces[piece] === '*') bits.add(piece)
  return { id, bits, has: piece => bits.has(piece) }
}

/** Blocks asked of a peer, as `piece/block`. */
function pick(from: PiecePicker, of: ReturnType<typeof peer>, count: number, workers = 1): string {
  return from
    .pick(of, count, workers)
    .map(({ piece, block }) => `${piece}/${block}`)
    .join(' ')
}

function complete(from: PiecePicker, of: ReturnType<typeof peer>, piece: number): void {
  for (let block = 0; block < BLOCKS; block++) from.blockReceived(of.id, piece, block)
  from.pieceVerified(piece)
}

test('takes the rarest piece that the peer has, whole', () => {
  const p = picker(4)
  const [a, b, c] = [peer(1, '****'), peer(2, '**.*'), peer(3, '**..')]
  for (const { bits } of [a, b, c]) p.peerBitfield(bits)
  assert.equal(pick(p, a, 5), '2/0 2/1 2/2 2/3 3/0')
  assert.equal(pick(p, b, 2, 2), '0/0 0/1'.replaceAll('0/', `${p.activePieces.has(0) ? 0 : 1}/`))
  p.peerGone(c.bits)
  assert.equal(p.availability(0), 2)
})

test('breaks ties by luck', () => {
  const firsts = new Set<string>()
  for (let seed = 1; seed < 40; seed++) {
    const p = picker(4, seed)
    const a = peer(1, '****')
    p.peerBitfield(a.bits)
    firsts.add(pick(p, a, 1))
  }
  assert.deepEqual([...firsts].toSorted(), ['0/0', '1/0', '2/0', '3/0'])
})

test('finishes what was begun and left before it begins anew', () => {
  const p = picker(3)
  const [a, b] = [peer(1, '***'), peer(2, '***')]
  const [first] = p.pick(a, 2, 1)
  p.blockReceived(1, first.piece, 0)
  p.release(1, first.piece, 1)
  assert.equal(pick(p, b, 3), `${first.piece}/1 ${first.piece}/2 ${first.piece}/3`)
})

test('a piece of which nothing came goes back into the order', () => {
  const p = picker(1)
  const a = peer(1, '*')
  assert.equal(pick(p, a, 9), '0/0 0/1 0/2 0/3')
  for (let block = 0; block < BLOCKS; block++) p.release(1, 0, block)
  assert.equal(p.activePieces.size, 0)
  assert.equal(pick(p, a, 1), '0/0')
})

test('honours priorities and never takes what is not wanted', () => {
  const p = picker(4)
  const a = peer(1, '****')
  p.setPriority(0, 0)
  p.setPriority(3, 7)
  p.setPriority(2, 1)
  assert.equal(pick(p, a, 99), '3/0 3/1 3/2 3/3 1/0 1/1 1/2 1/3 2/0 2/1 2/2 2/3')
  for (const piece of [1, 2, 3]) complete(p, a, piece)
  assert.equal(p.isDone, true)
  p.setPriority(0, 4)
  assert.equal(p.isDone, false)
})

test('in sequence, and by deadline before all', () => {
  const p = picker(5)
  const a = peer(1, '*.***')
  p.setSequential(true)
  assert.equal(pick(p, a, 5), '0/0 0/1 0/2 0/3 2/0')
  p.setDeadlines([4, 2])
  assert.equal(pick(p, peer(2, '*****'), 6, 2), '4/0 4/1 4/2 4/3 2/1 2/2')
})

test('in the endgame asks others for what is owed, and tells whom to stop', () => {
  const p = picker(1)
  const [a, b] = [peer(1, '*'), peer(2, '*')]
  assert.equal(pick(p, a, 9), '0/0 0/1 0/2 0/3')
  assert.deepEqual(p.pick(b, 9, 2, 1), [{ piece: 0, block: 3 }])
  assert.deepEqual(p.blockReceived(2, 0, 3), { kind: 'accepted', pieceComplete: false, alsoRequestedFrom: [1] })
  assert.deepEqual(p.blockReceived(1, 0, 3), { kind: 'unwanted' })
  assert.deepEqual(p.blockReceived(2, 0, 0), { kind: 'unwanted' })
})

test('while choked, takes allowed pieces only', () => {
  const p = picker(3)
  assert.deepEqual(
    p.pick(peer(1, '***'), 5, 1, 5, new Set([1])).map(({ piece }) => piece),
    [1, 1, 1, 1],
  )
})

test('a lost piece is fetched again', () => {
  const p = picker(1)
  const a = peer(1, '*')
  pick(p, a, 4)
  complete(p, a, 0)
  assert.equal(p.isDone, true)
  p.pieceLost(0)
  assert.equal(p.isDone, false)
  assert.equal(pick(p, a, 1), '0/0')
})

test('the order agrees with a sorted list, whatever happens to it', () => {
  const step = fc.record({
    piece: fc.nat(11),
    priority: fc.integer({ min: 1, max: 7 }),
    availability: fc.nat(70),
    remove: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), fc.boolean(), (steps, seed, beginsFull) => {
      const order = new RarityOrder(12, seededRandom(seed))
      const model = new Map<number, number>()
      if (beginsFull) {
        order.addAll(4, 0)
        for (let piece = 0; piece < 12; piece++) model.set(piece, (7 - 4) * 64)
      }
      for (const { piece, priority, availability, remove } of steps) {
        const key = (7 - priority) * 64 + Math.min(63, availability)
        if (remove) {
          order.remove(piece)
          model.delete(piece)
        } else {
          if (order.has(piece)) order.update(piece, priority, availability)
          else order.add(piece, priority, availability)
          model.set(piece, key)
        }
        const listed = Array.from({ length: order.size }, (_, i) => order.at(i))
        assert.deepEqual(
          listed.toSorted((a, b) => a - b),
          [...model.keys()].toSorted((a, b) => a - b),
        )
        assert.deepEqual(
          listed.map(p => model.get(p)),
          [...model.values()].toSorted((a, b) => a - b),
        )
      }
    }),
  )
})

test('random peers with random failures always end with everything, each block accepted once', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 6 }),
      (seed, pieces, peerCount) => {
        const random = seededRandom(seed)
        const p = picker(pieces, seed, { randomFirstPieces: 2 })
        const peers = Array.from({ length: peerCount }, (_, id) => peer(id, '*'.repeat(pieces)))
        for (const { bits } of peers) p.peerBitfield(bits)
        const owed: { peer: number; piece: number; block: number }[] = []
        const accepted = new Map<string, number>()
        for (let steps = 0; !p.isDone; steps++) {
          assert.ok(steps < 20_000, 'no progress')
          const from = peers[random.below(peerCount)]
          if (random.below(3) === 0 || owed.length === 0) {
            for (const block of p.pick(from, 1 + random.below(5), peerCount)) owed.push({ peer: from.id, ...block })
            continue
          }
          const [next] = owed.splice(random.below(owed.length), 1)
          if (random.below(4) === 0) {
            p.release(next.peer, next.piece, next.block)
            continue
          }
          const result = p.blockReceived(next.peer, next.piece, next.block)
          if (result.kind !== 'accepted') continue
          const key = `${next.piece}/${next.block}`
          accepted.set(key, (accepted.get(key) ?? 0) + 1)
          if (!result.pieceComplete) continue
          if (random.below(5) > 0) p.pieceVerified(next.piece)
          else {
            p.pieceLost(next.piece)
            for (let block = 0; block < BLOCKS; block++) accepted.delete(`${next.piece}/${block}`)
            owed.splice(0, owed.length, ...owed.filter(({ piece }) => piece !== next.piece))
          }
        }
        assert.equal(accepted.size, pieces * BLOCKS)
        assert.ok([...accepted.values()].every(times => times === 1))
        assert.equal(p.activePieces.size, 0)
      },
    ),
    { numRuns: 200 },
  )
})

test('of very many pieces, each is looked at but once or twice to find the few that a peer has', () => {
  const count = 100_000
  const p = picker(count)
  const common = peer(1, '.'.repeat(count))
  for (let piece = 7; piece < count; piece += 5000) common.bits.add(piece)
  for (let i = 0; i < 5; i++) p.peerBitfield(common.bits)
  let looks = 0
  const counting = {
    ...common,
    has(piece: number): boolean {
      looks++
      return common.bits.has(piece)
    },
  }
  const found = p.pick(counting, 1000, 1)
  assert.equal(new Set(found.map(({ piece }) => piece)).size, 20)
  assert.ok(looks < 2 * count, `${looks} looks`)
})
