import type { TorrentVersion } from '../../bittorrent/metainfo/create-metainfo.ts'
import { assertShareable } from '../../node/swarm/source-files.ts'
import { formatBytes, ProgressReporter } from './progress.ts'
import { openClient, peerFor, type SwarmOptions, stopAsked } from './swarm-options.ts'
import { follow, magnetOf } from './tell-torrent.ts'
import { writeTorrentFile } from './torrent-source.ts'

export interface ShareOptions extends SwarmOptions {
  readonly format: TorrentVersion
  readonly pieceLength?: number
  readonly private?: boolean
  readonly superSeed?: boolean
  readonly webSeed?: readonly string[]
  /** Where to write the .torrent file. */
  readonly torrent?: string
}

/** `peers share`: makes a torrent of a file or folder and seeds it until it is stopped; a running peer does it instead. */
export async function share(path: string, options: ShareOptions): Promise<number> {
  // A running peer would look for what this process alone can open, such as /dev/stdin.
  await assertShareable(path)
  const swarm = await peerFor(options)
  if (swarm !== undefined) return (await import('./through-peer.ts')).shareThroughPeer(path, options, swarm)
  const reporter = new ProgressReporter(options.json ?? false)
  const client = await openClient(options)
  try {
    const trackers = (options.tracker ?? []).map(url => [url])
    const { torrent, metainfo } = await client.seed(path, {
      version: options.format,
      private: options.private ?? false,
      superSeed: options.superSeed ?? false,
      trackers,
      webSeeds: options.webSeed ?? [],
      ...(options.pieceLength !== undefined && { pieceLength: options.pieceLength }),
      onProgress: (doneBytes, totalBytes) => reporter.show({ what: 'hashing', doneBytes, totalBytes }),
    })
    for (const peer of options.peer ?? []) torrent.core.candidates.add(peer, 'user')
    const info = torrent.info!
    const files = info.files.filter(file => !file.padding)
    const bytes = files.reduce((sum, file) => sum + file.length, 0)
    const magnet = magnetOf(torrent)
    if (options.torrent !== undefined) await writeTorrentFile(options.torrent, metainfo)
    reporter.clear()
    reporter.say(`${info.name}  ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`)
    reporter.say(magnet)
    reporter.say(`seeding on port ${client.port} until you stop it (Ctrl+C)`)
    reporter.event('seeding', { name: info.name, files: files.length, bytes, magnet, port: client.port })
    await stopAsked().finally(follow(reporter, torrent))
    return 0
  } finally {
    reporter.clear()
    await client.close()
  }
}
