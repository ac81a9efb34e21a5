import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { encodeHandshake } from '../src/bittorrent/wire/handshake.ts'
import { MESSAGE } from '../src/bittorrent/wire/message-ids.ts'
import { MessageWriter } from '../src/bittorrent/wire/message-writer.ts'
import { emptyFolder, PEERS, type SwarmProgram, SwarmSide, WEBTORRENT } from './swarm-sides.ts'
import type { Film } from './swarm-transfer.ts'
import type { Row } from './table.ts'

/** What an attacker announces, and what it sends of it unless it is cut off. */
const ANNOUNCED_BYTES = 2 ** 30
const POURED_BYTES = 128 * 2 ** 20
/** Attackers of each kind, at each side. */
const ATTACKERS = 8
const REQUESTS = 500
const RETURN_MS = 200
/** Some never finish under attack. */
const ATTACKED_MS = 30_000
const IDLE_TORRENTS = 10_000

type Attack = 'long extension message' | 'long block' | 'asks and never reads'

const ATTACKS: readonly Attack[] = ['long extension message', 'long block', 'asks and never reads']

function longMessage(id: number): Uint8Array {
  const head = new Uint8Array(5)
  new DataView(head.buffer).setUint32(0, ANNOUNCED_BYTES)
  head[4] = id
  return head
}

function opening(attack: Attack): Uint8Array {
  if (attack !== 'asks and never reads') {
    return longMessage(attack === 'long block' ? MESSAGE.piece : MESSAGE.extended)
  }
  const writer = new MessageWriter().haveNone().interested()
  for (let i = 0; i < REQUESTS; i++) writer.request(i % 16, 16_384 * Math.floor(i / 16), 16_384)
  return writer.take()!
}

/** Comes again and again, under another name each time, until it is stopped. */
function attack(kind: Attack, port: number, infohash: Uint8Array): () => void {
  let isOver = false
  let end = () => {}
  const chunk = new Uint8Array(2 ** 20).fill(0xab)
  const come = () => {
    if (isOver) return
    let left = kind === 'asks and never reads' ? 0 : POURED_BYTES
    const socket = connect(port, '127.0.0.1')
    end = () => socket.destroy()
    const peerId = new Uint8Array(randomBytes(20))
    socket.write(encodeHandshake({ infohash, peerId, extensions: true, fast: true, dht: false, v2: false }))
    socket.write(opening(kind))
    const pour = () => {
      while (left > 0 && !socket.destroyed) {
        left -= chunk.length
        if (!socket.write(chunk)) return
      }
    }
    socket.on('drain', pour)
    pour()
    if (kind === 'asks and never reads') socket.pause()
    else socket.resume()
    socket.on('error', () => {})
    socket.on('close', () => setTimeout(come, RETURN_MS))
  }
  come()
  return () => {
    isOver = true
    end()
  }
}

/** A fetch while both sides are attacked; what each had resident at most. */
async function underAttack(film: Film, program: SwarmProgram): Promise<string> {
  const seed = await SwarmSide.start(program, 'seed', film.folder, film.torrents.v1)
  const target = await emptyFolder(join(film.root, 'out'))
  const get = await SwarmSide.start(program, 'get', target, film.torrents.v1)
  const attacks: (() => void)[] = []
  for (const { port } of [seed, get]) {
    for (const kind of ATTACKS) {
      for (let i = 0; i < ATTACKERS; i++) attacks.push(attack(kind, port, film.infohash))
    }
  }
  get.call(seed.address)
  const over = new AbortController()
  const end = await Promise.race([
    get.fetched().then(
      () => '',
      () => ', which does not survive it',
    ),
    wait(ATTACKED_MS, `, without an end in ${ATTACKED_MS / 1000} s`, { signal: over.signal }),
  ])
  over.abort()
  for (const stop of attacks) stop()
  const [gave, got] = [seed, get].map(side => ((side.peakMemory() ?? Number.NaN) / 1e6).toFixed(0))
  await Promise.all([seed.kill(), get.kill()])
  return `${gave} and ${got} MB${end}`
}

export async function hostileRow(film: Film): Promise<Row> {
  const mebibytes = film.bytes / 2 ** 20
  return {
    name: `peak memory to seed and to fetch ${mebibytes} MiB, while ${ATTACKS.length * ATTACKERS} hostile peers at each side announce messages of 1 GiB or ask and never read`,
    value: await underAttack(film, PEERS),
    beside: WEBTORRENT === undefined ? 'webtorrent not installed' : `webtorrent ${await underAttack(film, WEBTORRENT)}`,
    aim: '120',
  }
}

/** One process that seeds very many torrents which nobody asks for. */
export async function idleRow(root: string): Promise<Row> {
  const program = fileURLToPath(new URL('swarm-idle.mjs', import.meta.url))
  const folder = await emptyFolder(join(root, 'idle'))
  const idle = spawn(process.execPath, [program, folder, String(IDLE_TORRENTS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: idle.stdout })[Symbol.asyncIterator]()
  const { residentBytes, peakBytes, cpuPercent } = JSON.parse((await lines.next()).value)
  return {
    name: `resident memory of ${IDLE_TORRENTS} seeding torrents that nobody asks for`,
    value: `${(residentBytes / 1e6).toFixed(0)} MB`,
    beside: `${(peakBytes / 1e6).toFixed(0)} MB at most while they were added; ${cpuPercent.toFixed(1)} % of a core afterwards`,
    aim: '300 MB',
  }
}
