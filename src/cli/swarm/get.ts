import { resolve } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import { fitsGlob } from '../../node/swarm/glob.ts'
import type { SwarmTorrent } from '../../node/swarm/swarm-torrent.ts'
import { wantedBytes } from '../../node/swarm/wanted-bytes.ts'
import { formatBytes, formatSeconds, ProgressReporter } from './progress.ts'
import { openClient, peerFor, type SwarmOptions, stopAsked } from './swarm-options.ts'
import { torrentSource } from './torrent-source.ts'

export interface GetOptions extends SwarmOptions {
  readonly output?: string
  readonly only?: readonly string[]
  readonly sequential?: boolean
  readonly seed?: boolean
}

const REFRESH_MS = 200

function showProgress(reporter: ProgressReporter, torrent: SwarmTorrent): void {
  const now = performance.now()
  const what = torrent.state === 'downloading' ? 'fetching' : torrent.state
  reporter.show({
    what,
    ...wantedBytes(torrent.core),
    downBytesPerSecond: torrent.core.download.rate(now),
    upBytesPerSecond: torrent.core.upload.rate(now),
    peers: torrent.connections.size,
  })
}

/** `peers get`: fetches a torrent; ends when all is verified, or goes on giving with `--seed`; a running peer does it instead. */
export async function get(source: string, options: GetOptions): Promise<number> {
  const swarm = await peerFor(options)
  if (swarm !== undefined) return (await import('./through-peer.ts')).getThroughPeer(source, options, swarm)
  const reporter = new ProgressReporter(options.json ?? false)
  const folder = resolve(options.output ?? '.')
  const patterns = options.only
  const from = await torrentSource(source)
  const client = await openClient(options)
  const startedAt = performance.now()
  let isStopped = false
  const stopping = stopAsked().then(() => {
    isStopped = true
  })
  try {
    const torrent = await client.add(from, {
      folder,
      peers: options.peer ?? [],
      trackers: (options.tracker ?? []).map(url => [url]),
      sequential: options.sequential ?? false,
      ...(patterns && { only: (path: string) => patterns.some(pattern => fitsGlob(path, pattern)) }),
    })
    torrent.on('ban', (identity, code) => reporter.event('ban', { identity, code }))
    const refresh = setInterval(() => showProgress(reporter, torrent), REFRESH_MS)
    await Promise.race([torrent.done(), stopping]).finally(() => clearInterval(refresh))
    reporter.clear()
    if (isStopped)
      throw new OperationError('stopped', 'stopped before all was there', {
        next: 'call it again: it goes on where it was',
      })
    const { totalBytes } = wantedBytes(torrent.core)
    const seconds = (performance.now() - startedAt) / 1000
    reporter.say(
      `${torrent.info!.name}  ${formatBytes(totalBytes)} in ${formatSeconds(seconds)}, all verified, in ${folder}`,
    )
    reporter.event('done', { name: torrent.info!.name, bytes: totalBytes, seconds, folder })
    if (options.seed) {
      reporter.say('seeding until you stop it (Ctrl+C)')
      await stopping
    }
    return 0
  } finally {
    reporter.clear()
    await client.close()
  }
}
