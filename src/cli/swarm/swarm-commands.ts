import { resolve } from 'node:path'
import type { Json } from '../../rpc/json/json-value.ts'
import { UsageError } from '../read-flags.ts'
import type { RunningPeerOptions } from '../running-peer.ts'
import { formatBytes } from './progress.ts'
import { failureOf, type RunningSwarm, requireSwarm, type SwarmAnswer, type TorrentAnswer } from './running-swarm.ts'
import { stopAsked } from './swarm-options.ts'
import { type SourcesAnswer, swarmTable, torrentText } from './swarm-table.ts'

export interface SwarmCommandOptions extends RunningPeerOptions {
  readonly json?: boolean
}

const WATCH_MS = 1000
/** How often a torrent is asked whether its files have been looked through. */
const CHECKING_MS = 200

async function withSwarm(options: SwarmCommandOptions, work: (swarm: RunningSwarm) => Promise<void>): Promise<number> {
  const swarm = await requireSwarm(options)
  try {
    await work(swarm)
    return 0
  } finally {
    swarm.close()
  }
}

function tell(text: string, answer: unknown, options: SwarmCommandOptions): void {
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : `${text}\n`)
}

/** `peers swarm`: the torrents of a running peer, once or until Ctrl-C. */
export function showSwarm(options: SwarmCommandOptions & { readonly watch?: boolean }): Promise<number> {
  return withSwarm(options, async swarm => {
    let isStopped = false
    const stopping = options.watch
      ? stopAsked().then(() => {
          isStopped = true
        })
      : undefined
    const isTerminal = process.stdout.isTTY && !options.json
    do {
      const info = await swarm.call<SwarmAnswer>('getswarminfo')
      const torrents = await swarm.call<TorrentAnswer[]>('listtorrents')
      // On a terminal the page is drawn anew, from its top.
      const page = `${options.watch && isTerminal ? '\x1b[H\x1b[J' : ''}${swarmTable(info, torrents)}`
      tell(page, { ...info, torrents }, options)
      if (stopping !== undefined) await Promise.race([stopping, new Promise(done => setTimeout(done, WATCH_MS))])
    } while (options.watch && !isStopped)
  })
}

/** `peers swarm show`: one torrent, with its files, its peers, trackers and web seeds. */
export function showTorrentOf(torrent: string, options: SwarmCommandOptions): Promise<number> {
  return withSwarm(options, async swarm => {
    const answer = await swarm.call<TorrentAnswer>('gettorrent', [torrent])
    const files = await swarm.call<Parameters<typeof torrentText>[1]>('gettorrentfiles', [answer.infohash])
    const peers = await swarm.call<Parameters<typeof torrentText>[2]>('gettorrentpeers', [answer.infohash])
    const sources = await swarm.call<SourcesAnswer>('gettorrenttrackers', [answer.infohash])
    tell(torrentText(answer, files, peers, sources), { ...answer, files, connected: peers, ...sources }, options)
  })
}

/** One call that answers with the torrent, and what to say of it. */
function change(
  method: string,
  params: readonly Json[],
  options: SwarmCommandOptions,
  say: (torrent: TorrentAnswer) => string,
): Promise<number> {
  return withSwarm(options, async swarm => {
    const answer = await swarm.call<TorrentAnswer>(method, params)
    tell(say(answer), answer, options)
  })
}

function nameOf({ name, infohash }: TorrentAnswer): string {
  return name ?? infohash
}

export function pauseTorrent(torrent: string, options: SwarmCommandOptions): Promise<number> {
  return change('pausetorrent', [torrent], options, answer => `${nameOf(answer)} is paused`)
}

/** `peers swarm resume`: ends when it is known whether the torrent goes on; throws why it does not. */
export function resumeTorrent(torrent: string, options: SwarmCommandOptions): Promise<number> {
  return withSwarm(options, async swarm => {
    let answer = await swarm.call<TorrentAnswer>('resumetorrent', [torrent])
    // Its files are looked through first.
    while (answer.state === 'checking') {
      await new Promise(done => setTimeout(done, CHECKING_MS))
      answer = await swarm.call<TorrentAnswer>('gettorrent', [answer.infohash])
    }
    const failure = failureOf(answer)
    if (failure !== undefined) throw failure
    tell(`${nameOf(answer)} goes on: ${answer.state}`, answer, options)
  })
}

export function removeTorrent(torrent: string, options: SwarmCommandOptions): Promise<number> {
  return withSwarm(options, async swarm => {
    const answer = await swarm.call<TorrentAnswer>('gettorrent', [torrent])
    await swarm.call('removetorrent', [answer.infohash])
    tell(`${nameOf(answer)} is left; its files stay in ${answer.folder}`, answer, options)
  })
}

export function moveTorrent(torrent: string, folder: string, options: SwarmCommandOptions): Promise<number> {
  const to = resolve(folder)
  return change('movetorrent', [torrent, to], options, answer => `${nameOf(answer)} is in ${answer.folder}`)
}

export function renameTorrent(
  torrent: string,
  from: string,
  to: string,
  options: SwarmCommandOptions,
): Promise<number> {
  return change('renametorrent', [torrent, from, to], options, () => `${from} is now ${to}`)
}

/** `peers swarm limit`: of one torrent, or of all together. */
export function limitSwarm(
  torrent: string | undefined,
  options: SwarmCommandOptions & { readonly up?: number; readonly down?: number },
): Promise<number> {
  if (options.up === undefined && options.down === undefined) {
    throw new UsageError('neither limit is given: give --up, --down or both; 0 is no limit')
  }
  const limits = [options.up, options.down].map(limit => (limit === undefined ? null : Math.floor(limit)))
  const shown = [options.up, options.down].map(limit =>
    limit === undefined ? 'as before' : limit === 0 ? 'no limit' : `${formatBytes(limit)}/s`,
  )
  const text = `up ${shown[0]}, down ${shown[1]}`
  return torrent === undefined
    ? withSwarm(options, async swarm => {
        await swarm.call('setswarmlimits', limits)
        tell(text, { up: limits[0], down: limits[1] }, options)
      })
    : change('settorrentlimits', [torrent, ...limits], options, answer => `${nameOf(answer)}: ${text}`)
}
