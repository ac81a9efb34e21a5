import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { PiecePicker } from '../picker/piece-picker.ts'
import { Bitfield } from '../wire/bitfield.ts'
import { loneSession } from './lone-session.ts'
import { PeerPieces, rememberPieces } from './peer-pieces.ts'

test('short words about all pieces cost little, however often they are said', () => {
  const count = 200_000
  const pieces = new PeerPieces(new PiecePicker(count, () => 1, seededRandom(1)), () => {})
  const session = loneSession(1)
  session.bits = new Bitfield(count)
  const started = performance.now()
  for (let i = 0; i < 50_000; i++) assert.equal(pieces.said(session, 'none'), undefined)
  assert.equal(pieces.said(session, 'all'), undefined)
  for (let i = 0; i < 50_000; i++) assert.equal(pieces.said(session, 'all'), undefined)
  assert.ok(performance.now() - started < 5000)
})

test('a peer that is a seed, and is none, and is one again, has to go', () => {
  for (const again of ['all', 'one'] as const) {
    const count = 100_000
    const pieces = new PeerPieces(new PiecePicker(count, () => 1, seededRandom(1)), () => {})
    const session = loneSession(1)
    session.bits = new Bitfield(count)
    pieces.said(session, 'all')
    let turns = 0
    let code: string | undefined
    while (code === undefined && turns++ < 1000) {
      code = pieces.lost(session, turns) ?? (again === 'all' ? pieces.said(session, 'all') : pieces.has(session, turns))
    }
    assert.equal(code, 'peer-pieces-flood')
    assert.ok(turns <= 10, `${turns}`)
  }
})

test('what peers say before the number of pieces is known has an end, and those who say little may stay', () => {
  const sessions = Array.from({ length: 100 }, (_, i) => loneSession(i))
  const held = () => sessions.reduce((sum, { early }) => sum + (early.bits?.length ?? 0) + 40 * early.haves.size, 0)
  const greedy = sessions.slice(0, 90)
  const codes = greedy.map(session => rememberPieces(session, new Uint8Array(512 * 1024), sessions))
  assert.ok(codes.filter(code => code === 'peer-too-many-haves').length > 50)
  for (const session of greedy) {
    for (let piece = 0; piece < 20_000; piece++) rememberPieces(session, piece, sessions)
  }
  assert.ok(held() <= 32 * 1024 * 1024, `${held()}`)
  for (const session of sessions.slice(90)) {
    assert.equal(rememberPieces(session, new Uint8Array(1000), sessions), undefined)
    for (let piece = 0; piece < 1000; piece++) assert.equal(rememberPieces(session, piece, sessions), undefined)
  }
})
