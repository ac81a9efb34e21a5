import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import { type ChooseFile, chooseByPatterns, isChosen, shownPaths } from '../../node/swarm/file-selection.ts'
import { StreamServer } from '../../node/swarm/stream-server.ts'
import type { SwarmTorrent } from '../../node/swarm/swarm-torrent.ts'
import { formatBytes, ProgressReporter } from './progress.ts'
import { openClient, outputFolder, type SwarmOptions, stopAsked } from './swarm-options.ts'
import { follow } from './tell-torrent.ts'
import { assertSomeFit, noSuchFile, torrentSource } from './torrent-source.ts'

export interface StreamOptions extends SwarmOptions {
  /** Where to keep what is fetched; a folder that goes with the program unless given. */
  readonly output?: string
  readonly only?: string
  readonly httpPort?: number
}

/** The file to be played: the one that was asked for, or the largest. */
function chooseFile(torrent: SwarmTorrent, only: ChooseFile | undefined): number {
  const { files } = torrent.info!
  let chosen = -1
  files.forEach((file, index) => {
    if (file.padding || file.length === 0) return
    if (only !== undefined && !isChosen(only, file.path.join('/'), index)) return
    if (chosen < 0 || file.length > files[chosen].length) chosen = index
  })
  if (chosen < 0) throw noSuchFile()
  return chosen
}

/** Resolves once it is known which files there are. */
async function started(torrent: SwarmTorrent): Promise<void> {
  while (!torrent.core.isStarted) {
    await new Promise<void>((resolveState, reject) => {
      torrent.once('state', () => resolveState())
      torrent.once('error', reject)
    })
  }
}

/** `peers stream`: serves a file of a torrent to a player on this machine while it is fetched. */
export async function stream(source: string, options: StreamOptions): Promise<number> {
  const reporter = new ProgressReporter(options.json ?? false)
  const from = await torrentSource(source)
  const patterns = options.only === undefined ? undefined : [options.only]
  if (patterns !== undefined && typeof from !== 'string') assertSomeFit(shownPaths(from.info), patterns)
  const only = patterns && chooseByPatterns(patterns)
  const isKept = options.output !== undefined
  const folder = isKept ? await outputFolder(options.output) : await mkdtemp(join(tmpdir(), 'peers-stream-'))
  const client = await openClient({
    ...options,
    ...(!isKept && { state: join(folder, '.state') }),
  })
  const stopping = stopAsked()
  let server: StreamServer | undefined
  let unfollow = () => {}
  try {
    const peers = options.peer ?? []
    const adding = client.add(from, {
      folder,
      peers,
      sequential: true,
      trackers: (options.tracker ?? []).map(url => [url]),
      ...(only && { only }),
    })
    const torrent = client.torrents.at(0) ?? (await adding)
    unfollow = follow(reporter, torrent)
    await Promise.race([adding.then(() => started(torrent)), stopping])
    if (!torrent.core.isStarted) {
      throw new OperationError('stopped', 'stopped before it was known what is in this torrent', {
        next: 'name a peer that has it with --peer',
      })
    }
    const file = chooseFile(torrent, only)
    server = await StreamServer.open(torrent, file, options.httpPort)
    const { path, length } = torrent.info!.files[file]
    reporter.say(`${path.at(-1)}  ${formatBytes(length)}`)
    reporter.say(`${server.url}  open this in a player; Ctrl+C ends it`)
    reporter.event('streaming', { url: server.url, path: path.join('/'), bytes: length })
    await stopping
    return 0
  } finally {
    unfollow()
    reporter.clear()
    await server?.close()
    await client.close()
    if (!isKept) await rm(folder, { recursive: true, force: true })
  }
}
