import { once } from 'node:events'
import { OperationError } from '../../base/errors.ts'
import { chooseByPatterns, shownPaths } from '../../node/swarm/file-selection.ts'
import type { SwarmTorrent } from '../../node/swarm/swarm-torrent.ts'
import { wantedBytes } from '../../node/swarm/wanted-bytes.ts'
import { formatBytes, formatSeconds, ProgressReporter } from './progress.ts'
import { openClient, outputFolder, peerFor, type SwarmOptions, stopAsked } from './swarm-options.ts'
import { follow, magnetOf } from './tell-torrent.ts'
import { assertSomeFit, noSuchFile, torrentSource } from './torrent-source.ts'

export interface GetOptions extends SwarmOptions {
  readonly output?: string
  readonly only?: readonly string[]
  readonly sequential?: boolean
  readonly seed?: boolean
}

/** `peers get`: fetches a torrent; ends when all is verified, or goes on giving with `--seed`; a running peer does it instead. */
export async function get(source: string, options: GetOptions): Promise<number> {
  const swarm = await peerFor(options)
  if (swarm !== undefined) return (await import('./through-peer.ts')).getThroughPeer(source, options, swarm)
  const reporter = new ProgressReporter(options.json ?? false)
  const patterns = options.only
  const from = await torrentSource(source)
  if (patterns !== undefined && typeof from !== 'string') assertSomeFit(shownPaths(from.info), patterns)
  const folder = await outputFolder(options.output ?? '.')
  const client = await openClient(options)
  const startedAt = performance.now()
  let isStopped = false
  const stopping = stopAsked().then(() => {
    isStopped = true
  })
  let unfollow = () => {}
  try {
    const adding = client.add(from, {
      folder,
      peers: options.peer ?? [],
      trackers: (options.tracker ?? []).map(url => [url]),
      sequential: options.sequential ?? false,
      ...(patterns && { only: chooseByPatterns(patterns) }),
    })
    // It is there at once, where it can be; to look through its files may take long.
    const torrent = client.torrents.at(0) ?? (await adding)
    unfollow = follow(reporter, torrent)
    await Promise.race([adding.then(() => doneAndDurable(torrent)), stopping])
    reporter.clear()
    if (isStopped) {
      throw new OperationError('stopped', 'stopped before all was there', {
        next: 'call it again: it goes on where it was',
      })
    }
    const { name } = torrent.info!
    const { totalBytes } = wantedBytes(torrent.core)
    // Which files a magnet link leads to, and whether those that it names are among them (BEP 53), is known no earlier.
    if (patterns !== undefined) assertSomeFit(shownPaths(torrent.info!), patterns)
    else if (totalBytes === 0 && torrent.info!.totalSize > 0) throw noSuchFile()
    const seconds = (performance.now() - startedAt) / 1000
    reporter.say(`${name}  ${formatBytes(totalBytes)} in ${formatSeconds(seconds)}, all verified, in ${folder}`)
    reporter.event('done', { name, bytes: totalBytes, seconds, folder })
    if (options.seed) {
      reporter.say(`seeding on port ${client.port} until you stop it (Ctrl+C)`)
      reporter.event('seeding', { name, magnet: magnetOf(torrent), port: client.port })
      await stopping
    }
    return 0
  } finally {
    unfollow()
    reporter.clear()
    await client.close()
  }
}

/** Resolves once all that was asked for is verified and will be there after a loss of power, too. */
async function doneAndDurable(torrent: SwarmTorrent): Promise<void> {
  for (;;) {
    await torrent.done()
    await torrent.save()
    const { error } = torrent
    if (error !== undefined && error.code !== 'disk-full') throw error
    // What a full disk did not take is fetched again, once there is room.
    if (error !== undefined) await once(torrent, 'state')
    else if (torrent.core.isDone) return
  }
}
