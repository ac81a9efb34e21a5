import { writeFile } from 'node:fs/promises'
import { OperationError } from '../../base/errors.ts'
import { type Metainfo, parseMetainfo } from '../../bittorrent/metainfo/metainfo.ts'
import { chooseByPatterns, isChosen } from '../../node/swarm/file-selection.ts'
import { readTorrentFile as readBytes, readMagnet } from '../../node/swarm/session-source.ts'
import { nodeBulkHash } from '../../platform/bulk-hash.ts'

/** A .torrent file, judged. */
export async function readTorrentFile(path: string): Promise<Metainfo> {
  const parsed = parseMetainfo(await readBytes(path), nodeBulkHash)
  if (parsed.ok) return parsed.value
  throw new OperationError(
    parsed.code,
    `${path} is no torrent that can be used${parsed.detail ? `: ${parsed.detail}` : ''}`,
    { next: 'give a .torrent file or a magnet link' },
  )
}

/** What `add` takes, of what people give: a magnet link, judged, or a file. */
export async function torrentSource(text: string): Promise<string | Metainfo> {
  if (!text.toLowerCase().startsWith('magnet:')) return readTorrentFile(text)
  readMagnet(text)
  return text
}

/** Where to find the names that a pattern may fit. */
export function noSuchFile(): OperationError {
  return new OperationError('no-such-file', 'no file of this torrent fits', {
    next: 'see its files with: peers torrent show, or peers swarm show',
  })
}

/**
 * Throws `no-such-file` where no file fits any of the patterns, so that nothing would be fetched.
 *
 * @param paths of the files, as they are shown
 */
export function assertSomeFit(paths: readonly string[], patterns: readonly string[]): void {
  const choose = chooseByPatterns(patterns)
  if (!paths.some((path, index) => isChosen(choose, path, index))) throw noSuchFile()
}

/** Writes a .torrent file where its user wants it. */
export async function writeTorrentFile(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes).catch(cause => {
    throw new OperationError('cannot-write', `${path} cannot be written: ${(cause as Error).message}`, {
      cause,
      next: 'name a file in a folder that is there and may be written to',
    })
  })
}
