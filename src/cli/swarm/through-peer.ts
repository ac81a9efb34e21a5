import { resolve } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import { addressKey } from '../../bittorrent/swarm/candidates.ts'
import { chooseByPatterns, isChosen, shownPaths } from '../../node/swarm/file-selection.ts'
import { infohashesOf, readMagnet } from '../../node/swarm/session-source.ts'
import type { GetOptions } from './get.ts'
import { formatBytes, formatSeconds, ProgressReporter } from './progress.ts'
import { failureOf, type RunningSwarm, requireSwarm, type SwarmAnswer, type TorrentAnswer } from './running-swarm.ts'
import type { ShareOptions } from './share.ts'
import { type SwarmOptions, stopAsked } from './swarm-options.ts'
import type { FileAnswer, SourcesAnswer } from './swarm-table.ts'
import { assertSomeFit, noSuchFile, sourceForPeer, writeTorrentFile } from './torrent-source.ts'
import { TrackerFailures } from './tracker-failures.ts'

const POLL_MS = 300

function pause(ms: number): Promise<void> {
  return new Promise(done => setTimeout(done, ms))
}

function commonOptions(options: SwarmOptions): { [name: string]: string[] | number } {
  return {
    ...(options.peer !== undefined && { peers: options.peer.map(addressKey) }),
    ...(options.tracker !== undefined && { trackers: [...options.tracker] }),
    ...(options.up !== undefined && { upload_limit: Math.floor(options.up) }),
  }
}

function present(torrent: TorrentAnswer): string {
  return torrent.name ?? torrent.infohash
}

/**
 * `peers share` where a peer runs: it hashes and gives the files, also when this command has ended.
 */
export async function shareThroughPeer(path: string, options: ShareOptions, swarm: RunningSwarm): Promise<number> {
  // A connection besides, for a look at it while it hashes.
  const watcher = await requireSwarm(options)
  const reporter = new ProgressReporter(options.json ?? false)
  try {
    let isHashed = false
    const sharing = swarm
      .call<TorrentAnswer & { readonly known: boolean; readonly metainfo: string }>('sharefiles', [
        resolve(path),
        {
          format: options.format,
          ...(options.pieceLength !== undefined && { piece_length: options.pieceLength }),
          private: options.private ?? false,
          super_seed: options.superSeed ?? false,
          ...(options.webSeed !== undefined && { web_seeds: [...options.webSeed] }),
          ...commonOptions(options),
        },
      ])
      .finally(() => {
        isHashed = true
      })
    // It is awaited below, whatever happens to the watch.
    sharing.catch(() => {})
    while (!isHashed) {
      const { hashing } = await watcher.call<SwarmAnswer>('getswarminfo')
      const making = hashing.find(entry => entry.path === resolve(path))
      if (making !== undefined) {
        reporter.show({ what: 'hashing', doneBytes: making.done_bytes, totalBytes: making.total_bytes })
      }
      await Promise.race([sharing.catch(() => {}), pause(POLL_MS)])
    }
    const torrent = await sharing
    const { port } = await swarm.call<SwarmAnswer>('getswarminfo')
    if (options.torrent !== undefined) await writeTorrentFile(options.torrent, Buffer.from(torrent.metainfo, 'base64'))
    const files = (await swarm.call<unknown[]>('gettorrentfiles', [torrent.infohash])).length
    const bytes = torrent.size ?? 0
    reporter.clear()
    if (torrent.known) tellKnown(reporter, torrent)
    reporter.say(`${present(torrent)}  ${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`)
    reporter.say(torrent.magnet)
    reporter.say(`the running peer gives it on port ${port}; see it with: peers swarm`)
    reporter.event('seeding', { name: torrent.name, files, bytes, magnet: torrent.magnet, port, throughPeer: true })
    return 0
  } finally {
    reporter.clear()
    swarm.close()
    watcher.close()
  }
}

/** Adds a torrent to a running peer; of one that is there already it calls the peers that are named, and it goes on. */
async function added(
  source: string,
  folder: string,
  options: GetOptions,
  swarm: RunningSwarm,
): Promise<{ readonly torrent: TorrentAnswer; readonly isKnown: boolean }> {
  const { from, told } = await sourceForPeer(source)
  const { only, peer } = options
  if (only !== undefined && typeof from !== 'string') assertSomeFit(shownPaths(from.info), only)
  const params = [
    told,
    folder,
    {
      ...(only !== undefined && { only: [...only] }),
      sequential: options.sequential ?? false,
      ...(options.down !== undefined && { download_limit: Math.floor(options.down) }),
      ...commonOptions(options),
    },
  ]
  try {
    return { torrent: await swarm.call<TorrentAnswer>('addtorrent', params), isKnown: false }
  } catch (error) {
    if (!(error instanceof OperationError) || error.code !== 'torrent-known') throw error
  }
  const [infohash] = typeof from === 'string' ? readMagnet(from).infohashes : infohashesOf(from.info)
  let torrent = await swarm.call<TorrentAnswer>('gettorrent', [infohash])
  if (peer !== undefined) await swarm.call('addtorrentpeers', [infohash, peer.map(addressKey)])
  if (torrent.paused) torrent = await swarm.call<TorrentAnswer>('resumetorrent', [infohash])
  return { torrent, isKnown: true }
}

/** Whether a pattern fits a file, though no byte is wanted: then all that fit are empty. */
async function asksForEmpty(
  swarm: RunningSwarm,
  { infohash }: TorrentAnswer,
  patterns: readonly string[] = [],
): Promise<boolean> {
  const choose = chooseByPatterns(patterns)
  const files = await swarm.call<FileAnswer[]>('gettorrentfiles', [infohash])
  return files.some(({ path, index }) => isChosen(choose, path, index))
}

/** Of a torrent that is taken up only after others nobody can tell yet how its trackers fare. */
async function trackersOf(swarm: RunningSwarm, { infohash, state }: TorrentAnswer): Promise<SourcesAnswer['trackers']> {
  if (state === 'checking') return []
  return (await swarm.call<SourcesAnswer>('gettorrenttrackers', [infohash])).trackers
}

/** Says that a torrent is there as it was added: another folder, or other files, it cannot have by being asked for again. */
function tellKnown(reporter: ProgressReporter, torrent: TorrentAnswer): void {
  const { infohash, folder } = torrent
  reporter.warn(`${present(torrent)} is there already, in ${folder}: of the options, --peer alone changes something`)
  reporter.event('known', { infohash, name: torrent.name, folder })
}

/** `peers get` where a peer runs: it fetches and goes on giving, also when this command has ended. */
export async function getThroughPeer(source: string, options: GetOptions, swarm: RunningSwarm): Promise<number> {
  const reporter = new ProgressReporter(options.json ?? false)
  const startedAt = performance.now()
  let isStopped = false
  void stopAsked().then(() => {
    isStopped = true
  })
  try {
    const found = await added(source, resolve(options.output ?? '.'), options, swarm)
    let { torrent } = found
    if (found.isKnown) tellKnown(reporter, torrent)
    const failures = new TrackerFailures(reporter)
    while (!torrent.complete) {
      const failure = failureOf(torrent)
      if (failure !== undefined) throw failure
      if (isStopped) {
        throw new OperationError('stopped', 'stopped looking before all was there; the peer goes on fetching', {
          next: `end that with: peers swarm remove ${torrent.infohash.slice(0, 8)}`,
        })
      }
      failures.look(await trackersOf(swarm, torrent))
      reporter.show({
        what: torrent.state === 'downloading' ? 'fetching' : torrent.state,
        doneBytes: torrent.done_bytes,
        totalBytes: torrent.wanted_bytes,
        downBytesPerSecond: torrent.download_rate,
        upBytesPerSecond: torrent.upload_rate,
        peers: torrent.peers,
      })
      await pause(POLL_MS)
      torrent = await swarm.call<TorrentAnswer>('gettorrent', [torrent.infohash])
    }
    const seconds = (performance.now() - startedAt) / 1000
    const { name, folder, wanted_bytes: bytes, size = 0 } = torrent
    // Which files a magnet link leads to is known no earlier.
    if (bytes === 0 && size > 0 && !(await asksForEmpty(swarm, torrent, options.only))) {
      if (!found.isKnown) await swarm.call('removetorrent', [torrent.infohash])
      throw noSuchFile()
    }
    reporter.clear()
    reporter.say(`${present(torrent)}  ${formatBytes(bytes)} in ${formatSeconds(seconds)}, all verified, in ${folder}`)
    reporter.say('the running peer goes on giving it; see it with: peers swarm')
    reporter.event('done', { name, bytes, seconds, folder, throughPeer: true })
    return 0
  } finally {
    reporter.clear()
    swarm.close()
  }
}
