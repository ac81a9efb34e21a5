import { lstat, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import { type Metainfo, parseMetainfo } from '../../bittorrent/metainfo/metainfo.ts'
import { chooseByPatterns, isChosen } from '../../node/swarm/file-selection.ts'
import { readTorrentFile as readBytes, readMagnet } from '../../node/swarm/session-source.ts'
import { nodeBulkHash } from '../../platform/bulk-hash.ts'
import { torrentData } from '../../rpc/torrent-data.ts'

function judged(path: string, bytes: Uint8Array): Metainfo {
  const parsed = parseMetainfo(bytes, nodeBulkHash)
  if (parsed.ok) return parsed.value
  throw new OperationError(
    parsed.code,
    `${path} is no torrent that can be used${parsed.detail ? `: ${parsed.detail}` : ''}`,
    { next: 'give a .torrent file or a magnet link' },
  )
}

/** A .torrent file, judged. */
export async function readTorrentFile(path: string): Promise<Metainfo> {
  return judged(path, await readBytes(path))
}

function isMagnet(text: string): boolean {
  return text.toLowerCase().startsWith('magnet:')
}

/** What `add` takes, of what people give: a magnet link, judged, or a file. */
export async function torrentSource(text: string): Promise<string | Metainfo> {
  if (!isMagnet(text)) return readTorrentFile(text)
  readMagnet(text)
  return text
}

/** The same for a running peer, and what it is told: the path of a plain file, and else the bytes, which may be read but once. */
export async function sourceForPeer(
  text: string,
): Promise<{ readonly from: string | Metainfo; readonly told: string }> {
  if (isMagnet(text)) return { from: await torrentSource(text), told: text }
  const bytes = await readBytes(text)
  const from = judged(text, bytes)
  // What a link such as /dev/stdin leads to depends on the process that follows it.
  const isPlain = (await lstat(text).catch(() => undefined))?.isFile() ?? false
  return { from, told: isPlain ? resolve(text) : torrentData(bytes) }
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
