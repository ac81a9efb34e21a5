import { writeFile } from 'node:fs/promises'
import type { TorrentVersion } from '../../bittorrent/metainfo/create-metainfo.ts'
import { formatMagnet } from '../../bittorrent/metainfo/magnet.ts'
import { formatBytes, ProgressReporter } from './progress.ts'
import { openClient, peerFor, type SwarmOptions, stopAsked } from './swarm-options.ts'

export interface ShareOptions extends SwarmOptions {
  readonly format: TorrentVersion
  readonly pieceLength?: number
  readonly private?: boolean
  readonly superSeed?: boolean
  readonly webSeed?: readonly string[]
  /** Where to write the .torrent file. */
  readonly torrent?: string
}

const REFRESH_MS = 500

/** `peers share`: makes a torrent of a file or folder and seeds it until it is stopped; a running peer does it instead. */
export async function share(path: string, options: ShareOptions): Promise<number> {
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
    const magnet = formatMagnet({
      infohashV1: info.infohashV1,
      infohashV2: info.infohashV2,
      displayName: info.name,
      trackers: trackers.flat(),
    })
    if (options.torrent !== undefined) await writeFile(options.torrent, metainfo)
    reporter.clear()
    reporter.say(`${info.name}  ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`)
    reporter.say(magnet)
    reporter.say(`seeding on port ${client.port} until you stop it (Ctrl+C)`)
    reporter.event('seeding', { name: info.name, files: files.length, bytes, magnet, port: client.port })
    const refresh = setInterval(() => {
      const now = performance.now()
      const upBytesPerSecond = torrent.core.upload.rate(now)
      if (upBytesPerSecond > 0) {
        reporter.show({
          what: 'seeding',
          doneBytes: torrent.core.upload.total,
          totalBytes: bytes,
          upBytesPerSecond,
          peers: torrent.connections.size,
        })
      }
    }, REFRESH_MS)
    await stopAsked()
    clearInterval(refresh)
    return 0
  } finally {
    reporter.clear()
    await client.close()
  }
}
