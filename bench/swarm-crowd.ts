import { join } from 'node:path'
import { emptyFolder, LIBTORRENT, PEERS, type SwarmProgram, SwarmSide } from './swarm-sides.ts'
import type { Film } from './swarm-transfer.ts'
import { median, type Row, spread } from './table.ts'

const CAP_BYTES_PER_SECOND = 4_000_000
const SEEDERS = [1, 2, 4, 8]
const LEECHERS = 8
const CAPPED = `up=${CAP_BYTES_PER_SECOND}`

/** One that fetches from so many seeds, each of them with a limit. */
async function fromSeeders(film: Film, program: SwarmProgram, count: number): Promise<number> {
  const seeds: SwarmSide[] = []
  for (let i = 0; i < count; i++) {
    const folder = await emptyFolder(join(film.root, `seed-${i}`))
    seeds.push(await SwarmSide.start(program, 'seed', film.folder, film.torrents.v1, [CAPPED, `state=${folder}`]))
  }
  const target = await emptyFolder(join(film.root, 'out'))
  const peers = `peer=${seeds.map(seed => seed.address).join(',')}`
  const get = await SwarmSide.start(program, 'get', target, film.torrents.v1, [peers])
  const { seconds } = await get.fetched()
  await get.end()
  await Promise.all(seeds.map(seed => seed.end()))
  return seconds
}

/** The aggregate of many seeds: how near the sum of their limits a fetch comes. */
export async function seedersRows(film: Film, rounds: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const count of SEEDERS) {
    const bound = film.bytes / (count * CAP_BYTES_PER_SECOND)
    const times: number[] = []
    for (let round = 0; round < rounds; round++) times.push((await fromSeeders(film, PEERS, count)) / bound)
    const theirs = LIBTORRENT && (await fromSeeders(film, LIBTORRENT, count)) / bound
    rows.push({
      name: `${film.bytes / 2 ** 20} MiB from ${count} ${count === 1 ? 'seed' : 'seeds'}, each limited to 4 MB/s (of ${rounds})`,
      value: `${median(times).toFixed(2)} × bound (${spread(times, 2)})`,
      beside: `bound ${bound.toFixed(1)} s; ${theirs === undefined ? 'libtorrent not installed' : `libtorrent ${theirs.toFixed(2)} (one run)`}`,
      aim: '1.10 × bound',
    })
  }
  return rows
}

/** How well one limit holds: the rates in all windows of a second, from the first byte on. */
async function limitRow(film: Film, side: 'seed' | 'get'): Promise<Row> {
  const words = [`${side === 'seed' ? 'up' : 'down'}=${CAP_BYTES_PER_SECOND}`, 'rates']
  const seed = await SwarmSide.start(PEERS, 'seed', film.folder, film.torrents.v1, side === 'seed' ? words : [])
  const target = await emptyFolder(join(film.root, 'out'))
  const getWords = [`peer=${seed.address}`, ...(side === 'get' ? words : [])]
  const get = await SwarmSide.start(PEERS, 'get', target, film.torrents.v1, getWords)
  const fetched = await get.fetched()
  await get.end()
  const gave = await seed.end()
  const rates = side === 'seed' ? gave.rates : fetched.rates
  const shares = rates!.map(rate => rate / CAP_BYTES_PER_SECOND)
  return {
    name: `a limit of 4 MB/s on what is ${side === 'seed' ? 'sent' : 'received'}, in every window of a second from the first byte on`,
    value: `${Math.min(...shares).toFixed(3)}–${Math.max(...shares).toFixed(3)} of it`,
    beside: `first second ${shares[0].toFixed(3)}; ${shares.length} windows`,
    aim: '0.98–1.02',
  }
}

export async function limitRows(film: Film): Promise<Row[]> {
  return [await limitRow(film, 'seed'), await limitRow(film, 'get')]
}

interface Crowd {
  /** Until the last one has everything. */
  readonly seconds: number
  /** How often the seed has sent each byte. */
  readonly copies: number
  readonly cpuSeconds: number
}

async function crowd(film: Film, program: SwarmProgram): Promise<Crowd> {
  const state = await emptyFolder(join(film.root, 'seed-0'))
  const words = [CAPPED, 'super', `state=${state}`]
  const seed = await SwarmSide.start(program, 'seed', film.folder, film.torrents.v1, words)
  const leechers: SwarmSide[] = []
  for (let i = 0; i < LEECHERS; i++) {
    const folder = await emptyFolder(join(film.root, `leecher-${i}`))
    leechers.push(await SwarmSide.start(program, 'get', folder, film.torrents.v1, [CAPPED]))
  }
  const started = performance.now()
  leechers.forEach((leecher, i) => {
    for (const other of [seed, ...leechers.slice(0, i)]) leecher.call(other.address)
  })
  await Promise.all(leechers.map(leecher => leecher.fetched()))
  const seconds = (performance.now() - started) / 1000
  const gave = await seed.end()
  let { cpuSeconds } = gave
  for (const leecher of leechers) cpuSeconds += (await leecher.end()).cpuSeconds
  return { seconds, copies: gave.uploadedBytes / film.bytes, cpuSeconds }
}

/** One seed and many who want everything at once, all with the same limit on what they send. */
export async function crowdRows(film: Film, rounds: number): Promise<Row[]> {
  const all = LEECHERS + 1
  // The seed must send everything once, and all together whatever all receive.
  const bound = Math.max(film.bytes / CAP_BYTES_PER_SECOND, (LEECHERS * film.bytes) / (all * CAP_BYTES_PER_SECOND))
  const runs: Crowd[] = []
  for (let round = 0; round < rounds; round++) runs.push(await crowd(film, PEERS))
  const theirs = LIBTORRENT && (await crowd(film, LIBTORRENT))
  const besides =
    theirs === undefined
      ? 'libtorrent not installed'
      : `libtorrent ${(theirs.seconds / bound).toFixed(2)}, ${theirs.copies.toFixed(2)} copies, ${theirs.cpuSeconds.toFixed(1)} CPU s (one run, super-seeding)`
  const times = runs.map(run => run.seconds / bound)
  const copies = runs.map(run => run.copies)
  return [
    {
      name: `${film.bytes / 2 ** 20} MiB from 1 seed to ${LEECHERS} at once, all limited to 4 MB/s: the last one's time (of ${rounds})`,
      value: `${median(times).toFixed(2)} × bound (${spread(times, 2)})`,
      beside: `bound ${bound.toFixed(1)} s; ${besides}`,
      aim: '1.15 × bound',
    },
    {
      name: 'what the seed of that crowd sends',
      value: `${median(copies).toFixed(3)} copies (${spread(copies, 3)})`,
      beside: `${median(runs.map(run => run.cpuSeconds)).toFixed(1)} CPU s of all nine`,
      aim: '1.05 copies',
    },
  ]
}
