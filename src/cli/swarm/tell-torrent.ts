import { formatMagnet } from '../../bittorrent/metainfo/magnet.ts'
import type { SwarmTorrent } from '../../node/swarm/swarm-torrent.ts'
import { wantedBytes } from '../../node/swarm/wanted-bytes.ts'
import type { ProgressReporter } from './progress.ts'
import { TrackerFailures } from './tracker-failures.ts'

const REFRESH_MS = 200

/** A torrent's link, with all that helps whoever follows it. */
export function magnetOf(torrent: SwarmTorrent): string {
  const { infohashV1, infohashV2, name: displayName } = torrent.info!
  const webSeeds = torrent.webSeeds.filter(({ gives }) => gives === 'files').map(({ url }) => url)
  return formatMagnet({
    infohashV1,
    infohashV2,
    displayName,
    trackers: torrent.trackers.map(({ url }) => url),
    webSeeds,
  })
}

function showTorrent(reporter: ProgressReporter, { core, state, connections }: SwarmTorrent): void {
  const now = performance.now()
  const rates = { upBytesPerSecond: core.upload.rate(now), peers: connections.size }
  if (state === 'seeding') {
    // Nobody has to be told again and again that nobody asks.
    if (rates.upBytesPerSecond > 0) reporter.show({ what: 'seeding', doneBytes: core.upload.total, ...rates })
  } else if (state !== 'checking') {
    const what = state === 'downloading' ? 'fetching' : state
    reporter.show({ what, ...wantedBytes(core), downBytesPerSecond: core.download.rate(now), ...rates })
  }
}

/**
 * Tells of a torrent how far it is or how much was given, who is banned, and which trackers fail, of each once.
 *
 * @returns what ends it
 */
export function follow(reporter: ProgressReporter, torrent: SwarmTorrent): () => void {
  const failures = new TrackerFailures(reporter)
  const onChecked = (done: number, total: number) => {
    const { pieceLength } = torrent.info!
    reporter.show({ what: 'checking', doneBytes: done * pieceLength, totalBytes: total * pieceLength })
  }
  const onBan = (identity: string, code: string) => reporter.event('ban', { identity, code })
  const onAnnounced = () => failures.look(torrent.trackers)
  torrent.on('checked', onChecked).on('ban', onBan).on('announced', onAnnounced)
  const refresh = setInterval(() => showTorrent(reporter, torrent), REFRESH_MS)
  return () => {
    clearInterval(refresh)
    // Nothing is told after the end of what was asked for.
    torrent.off('checked', onChecked).off('ban', onBan).off('announced', onAnnounced)
  }
}
