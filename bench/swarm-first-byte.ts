import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MessageReader, type MessageSink } from '../src/bittorrent/wire/message-reader.ts'
import { Relay } from '../test/relay.ts'
import { emptyFolder, PEERS, SwarmSide } from './swarm-sides.ts'
import type { Film } from './swarm-transfer.ts'
import { median, type Row, spread } from './table.ts'

const PROGRAM = fileURLToPath(new URL('../dist/programs/peers.js', import.meta.url))

/** Calls back at the first byte of a block in what a peer sends. */
function watchForBlock(onBlock: () => void): (chunk: Uint8Array) => void {
  const ignore = () => {}
  const sink = new Proxy({} as MessageSink, {
    get: (_, name) => (name === 'onBlockBytes' ? onBlock : ignore),
  })
  const reader = new MessageReader(sink)
  return chunk => {
    const failure = reader.push(chunk, 0, chunk.length)
    if (failure !== undefined) throw new Error(`the seed does not speak the wire protocol: ${failure}`)
  }
}

/** Seconds from the start of `peers get` to the first byte of a piece that reaches it, seen on the line between it and a seed. */
async function firstByteSeconds(film: Film, seed: SwarmSide): Promise<number> {
  const target = await emptyFolder(join(film.root, 'first-byte'))
  let firstAt: number | undefined
  const onPass = watchForBlock(() => {
    firstAt ??= performance.now()
  })
  const relay = await Relay.start(seed.port, { onPass })
  const words = ['get', film.torrents.v1, '--alone', '--no-dht', '--peer', `127.0.0.1:${relay.port}`, '-o', target]
  const startedAt = performance.now()
  const env = { ...process.env, HOME: target }
  const child = spawn(process.execPath, [PROGRAM, ...words], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const [status] = await once(child, 'exit')
  await relay.stop()
  if (status !== 0 || firstAt === undefined) throw new Error(`peers get ended with status ${status}`)
  return (firstAt - startedAt) / 1000
}

/** What Node takes by itself, of which no program can take less. */
async function emptyProgramSeconds(): Promise<number> {
  const startedAt = performance.now()
  await once(spawn(process.execPath, ['--eval', '0']), 'exit')
  return (performance.now() - startedAt) / 1000
}

/** How long somebody waits who calls the command. */
export async function firstByteRow(film: Film, rounds: number): Promise<Row> {
  const seed = await SwarmSide.start(PEERS, 'seed', film.folder, film.torrents.v1)
  const times: number[] = []
  const floors: number[] = []
  for (let round = 0; round < rounds; round++) {
    floors.push(await emptyProgramSeconds())
    times.push(await firstByteSeconds(film, seed))
  }
  await seed.end()
  return {
    name: 'first byte of a piece, from the start of `peers get` (the built command, seen from outside)',
    value: `${median(times).toFixed(2)} s (${spread(times, 2)})`,
    beside: `an empty program of Node's ${median(floors).toFixed(2)} s`,
    aim: '0.3 s',
  }
}
