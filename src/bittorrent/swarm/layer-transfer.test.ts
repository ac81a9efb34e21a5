import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, hex, toHex } from '../../base/bytes/bytes.ts'
import { sha256 } from '../../base/crypto/hash.ts'
import { encodeInfo, planTorrent } from '../metainfo/create-metainfo.ts'
import { merkleLayers, merkleLevels, merklePad } from '../metainfo/merkle.ts'
import { parseTorrentInfo, type TorrentInfo } from '../metainfo/torrent-info.ts'
import { Bitfield } from '../wire/bitfield.ts'
import type { HashesMessage, HashRange } from '../wire/hash-messages.ts'
import { HashAnswers } from './hash-answers.ts'
import { LayerTransfer } from './layer-transfer.ts'
import { loneSession, takeSaid } from './lone-session.ts'
import type { PeerSession } from './peer-session.ts'

const PIECE = 65_536

/** A v2 torrent whose files have so many pieces each, with layers that are made up. */
function sample(pieceCounts: readonly number[]): { info: TorrentInfo; layers: Map<string, Uint8Array> } {
  const layers = new Map<string, Uint8Array>()
  const pad = merklePad(merkleLevels(PIECE / 16_384), sha256)
  const roots = pieceCounts.map((count, file) => {
    const layer = concatBytes(...Array.from({ length: count }, (_, i) => sha256(Uint8Array.of(file, i >> 8, i))))
    const root = merkleLayers(layer, pad, sha256).at(-1)!
    layers.set(toHex(root), layer)
    return root
  })
  const files = pieceCounts.map((count, i) => ({ path: [`${1000 + i}`], length: count * PIECE }))
  const plan = planTorrent('folder', files, false, { version: 'v2', pieceLength: PIECE })
  assert.ok(plan.ok)
  const info = parseTorrentInfo(encodeInfo(plan.value, { roots }))
  assert.ok(info.ok)
  return { info: info.value, layers }
}

/** What a peer says to a request: hashes, a refusal, or nothing. */
type Answer = (range: HashRange, now: number) => Uint8Array | 'refused' | undefined

class Circle {
  readonly transfer: LayerTransfer
  readonly #truth: HashAnswers
  readonly #peers: { session: PeerSession; answer: Answer }[] = []

  constructor(pieceCounts: readonly number[]) {
    const { info, layers } = sample(pieceCounts)
    this.#truth = new HashAnswers(info, layers)
    this.transfer = new LayerTransfer(info, new Map())
  }

  join(answer: Answer): void {
    this.#peers.push({ session: loneSession(this.#peers.length + 1, true), answer })
  }

  readonly honest: Answer = (range, now) => this.#truth.answer(range, now) ?? 'refused'

  /** Lets seconds pass until all layers are there; how many it took. */
  run(secondsMax: number): number | undefined {
    for (let second = 1; second <= secondsMax; second++) {
      const now = second * 1000
      this.transfer.tick(now)
      for (let round = 0; round < 20; round++) for (const peer of this.#peers) this.#talk(peer, now)
      if (this.transfer.isComplete) return second
    }
    return undefined
  }

  #talk({ session, answer }: { session: PeerSession; answer: Answer }, now: number): void {
    this.transfer.fill(session, now)
    for (const range of takeSaid(session).hashRequests) {
      const said = answer(range, now)
      if (said === 'refused') this.transfer.refused(session, range, now)
      else if (said !== undefined) this.transfer.received(session, { ...range, hashes: said } satisfies HashesMessage)
    }
  }
}

test('a peer that is always the first and never answers does not keep the layers from us', () => {
  const circle = new Circle([900, 3])
  circle.join(() => undefined)
  circle.join(circle.honest)
  const seconds = circle.run(300)
  assert.ok(seconds !== undefined && seconds < 30, `${seconds}`)
})

test('a peer that refuses because it has no layers yet is asked again once it may have them', () => {
  const circle = new Circle([900])
  circle.join((range, now) => (now < 20_000 ? 'refused' : circle.honest(range, now)))
  const seconds = circle.run(300)
  assert.ok(seconds !== undefined && seconds < 60, `${seconds}`)
})

test('wrong hashes are not believed, and whoever sends them is not asked again', () => {
  const circle = new Circle([900])
  let lies = 0
  circle.join((range, now) => {
    lies++
    const right = circle.honest(range, now) as Uint8Array
    return right.map((byte, i) => (i === 5 ? byte ^ 1 : byte))
  })
  circle.join(circle.honest)
  assert.ok(circle.run(300) !== undefined)
  assert.ok(lies <= 4, `${lies}`)
})

test('who asks for hashes over and over is refused in the end, at little cost to us', () => {
  // Many trees, and more than are kept.
  const { info, layers } = sample(Array.from({ length: 150 }, () => 1200))
  const transfer = new LayerTransfer(info, layers)
  const session = loneSession(1, true)
  const started = performance.now()
  let hashes = 0
  let refused = 0
  for (let round = 0; round < 20; round++) {
    for (const piecesRoot of [...layers.keys()].map(root => hex(root))) {
      const range = { piecesRoot, baseLayer: 2, index: 0, length: 512, proofLayers: 10 }
      assert.equal(transfer.requested(session, range, new Bitfield(info.pieceCount), 5000), undefined)
    }
    const said = takeSaid(session)
    hashes += said.hashes
    refused += said.hashRejects
  }
  assert.equal(hashes + refused, 3000)
  assert.ok(hashes > 20 && hashes <= 64, `${hashes}`)
  assert.ok(performance.now() - started < 5000)
})

test('files are not read for peers more than disks and threads can bear', () => {
  const { info, layers } = sample([900])
  const transfer = new LayerTransfer(info, layers)
  const have = new Bitfield(info.pieceCount)
  have.fill()
  const range = { piecesRoot: info.files[0].piecesRoot!, baseLayer: 0, index: 0, length: 512, proofLayers: 0 }
  const mayRead = (now: number) =>
    Array.from({ length: 100 }, (_, i) => transfer.requested(loneSession(i, true), range, have, now)).filter(
      span => span !== undefined,
    ).length
  // 8 MiB each.
  assert.deepEqual([mayRead(0), mayRead(500), mayRead(1000)], [8, 0, 8])
})
