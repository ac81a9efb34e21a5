import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import {
  emptyFolder,
  LIBTORRENT,
  LIBTORRENT_TUNED,
  PEERS,
  type SwarmProgram,
  SwarmSide,
  WEBTORRENT,
} from './swarm-sides.ts'
import { median, type Row, spread } from './table.ts'

/** A folder with a file in it, and the torrents of that file. */
export interface Film {
  readonly root: string
  readonly folder: string
  readonly bytes: number
  readonly infohash: Uint8Array
  readonly torrents: { readonly v1: string; readonly v2: string; readonly hybrid: string }
}

interface Transfer {
  readonly megabytesPerSecond: number
  readonly seedCpuPerGib: number
  readonly getCpuPerGib: number
  readonly seedMegabytes: number
  readonly getMegabytes: number
  readonly firstByteSeconds: number
}

type Contestant = readonly [name: string, program: SwarmProgram | undefined, version: keyof Film['torrents']]

const CONTESTANTS: readonly Contestant[] = [
  ['Peers, v1', PEERS, 'v1'],
  ['Peers, v2', PEERS, 'v2'],
  ['Peers, hybrid', PEERS, 'hybrid'],
  ['libtorrent', LIBTORRENT, 'v1'],
  ['libtorrent tuned', LIBTORRENT_TUNED, 'v1'],
  ['webtorrent', WEBTORRENT, 'v1'],
]

/**
 * Writes a file and deletes it, so that the machine has memory at hand for the one that follows: a virtual machine that must first
 * ask its host for it charges seconds of system time to whoever comes first.
 */
function warmMemory({ root, bytes }: Film): void {
  const path = join(root, 'warm')
  const file = openSync(path, 'w')
  const chunk = new Uint8Array(2 ** 20).fill(1)
  for (let written = 0; written < 1.5 * bytes; written += chunk.length) writeSync(file, chunk)
  closeSync(file)
  rmSync(path)
}

async function transfer(film: Film, program: SwarmProgram, torrent: string): Promise<Transfer> {
  const target = await emptyFolder(join(film.root, 'out'))
  spawnSync('sync')
  warmMemory(film)
  const seed = await SwarmSide.start(program, 'seed', film.folder, torrent)
  const get = await SwarmSide.start(program, 'get', target, torrent, [`peer=${seed.address}`])
  const fetched = await get.fetched()
  await get.end()
  const gave = await seed.end()
  const gib = film.bytes / 2 ** 30
  return {
    megabytesPerSecond: film.bytes / 1e6 / fetched.seconds,
    seedCpuPerGib: gave.cpuSeconds / gib,
    getCpuPerGib: fetched.cpuSeconds / gib,
    seedMegabytes: gave.memoryBytes / 1e6,
    getMegabytes: fetched.memoryBytes / 1e6,
    firstByteSeconds: fetched.firstByteSeconds,
  }
}

/** All clients in turn, so many rounds. */
export async function transferRows(film: Film, rounds: number): Promise<Row[]> {
  const results = new Map<string, Transfer[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [name, program, version] of CONTESTANTS) {
      if (program === undefined) continue
      const taken = await transfer(film, program, film.torrents[version])
      results.set(name, [...(results.get(name) ?? []), taken])
    }
  }
  const all = (name: string, key: keyof Transfer): number[] => (results.get(name) ?? []).map(taken => taken[key])
  const middle = (name: string, key: keyof Transfer): number => median(all(name, key))
  const value = (name: string, key: keyof Transfer, digits: number, unit: string): string => {
    if (!results.has(name)) return 'not installed'
    return `${middle(name, key).toFixed(digits)} ${unit} (${spread(all(name, key), digits)})`
  }
  /** Round by round, so that what a moment does to both drops out. */
  const times = (name: string, other: string, key: keyof Transfer): string => {
    if (!results.has(other)) return ''
    const theirs = all(other, key)
    return median(all(name, key).map((mine, round) => mine / theirs[round])).toFixed(2)
  }
  const others = ['libtorrent', 'libtorrent tuned', 'webtorrent']
  const beside = (key: keyof Transfer, digits: number): string =>
    others
      .map(name => (results.has(name) ? `${name} ${middle(name, key).toFixed(digits)}` : `${name} not installed`))
      .join('; ')
  const mebibytes = film.bytes / 2 ** 20
  const speed = (name: string): string => value(name, 'megabytesPerSecond', 0, 'MB/s')
  const ratios = others.map(name => `${times('Peers, v1', name, 'megabytesPerSecond')} × ${name}`).join('; ')
  const besideV1 = (name: string): string => `${times(name, 'Peers, v1', 'megabytesPerSecond')} × v1`
  return [
    {
      name: `one file of ${mebibytes} MiB over 127.0.0.1, hashed and on the disk, v1`,
      value: speed('Peers, v1'),
      beside: `${beside('megabytesPerSecond', 0)} MB/s: ${ratios}`,
      aim: '1.5 × libtorrent, 1.25 × tuned, 2.5 × webtorrent',
    },
    { name: 'the same, v2', value: speed('Peers, v2'), beside: besideV1('Peers, v2'), aim: '0.9 × v1' },
    { name: 'the same, hybrid', value: speed('Peers, hybrid'), beside: besideV1('Peers, hybrid'), aim: '0.75 × v1' },
    {
      name: 'CPU to seed it',
      value: value('Peers, v1', 'seedCpuPerGib', 2, 's/GiB'),
      beside: `${beside('seedCpuPerGib', 2)}`,
      aim: '1.0',
    },
    {
      name: 'CPU to fetch it',
      value: value('Peers, v1', 'getCpuPerGib', 2, 's/GiB'),
      beside: `v2 ${middle('Peers, v2', 'getCpuPerGib').toFixed(2)}; hybrid ${middle('Peers, hybrid', 'getCpuPerGib').toFixed(2)}; ${beside('getCpuPerGib', 2)}`,
      aim: '1.8',
    },
    {
      name: 'peak memory while it seeds',
      value: value('Peers, v1', 'seedMegabytes', 0, 'MB'),
      beside: `${beside('seedMegabytes', 0)} (libtorrent maps its files)`,
      aim: '120',
    },
    {
      name: 'peak memory while it fetches',
      value: value('Peers, v1', 'getMegabytes', 0, 'MB'),
      beside: `v2 ${middle('Peers, v2', 'getMegabytes').toFixed(0)}; hybrid ${middle('Peers, hybrid', 'getMegabytes').toFixed(0)}; ${beside('getMegabytes', 0)}`,
      aim: '120',
    },
    {
      name: 'first byte of a piece, from the start of the process',
      value: value('Peers, v1', 'firstByteSeconds', 2, 's'),
      beside: beside('firstByteSeconds', 2),
      aim: '0.3',
    },
  ]
}
