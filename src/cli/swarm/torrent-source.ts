import { readFile } from 'node:fs/promises'
import { OperationError } from '../../base/errors.ts'
import { type Metainfo, parseMetainfo } from '../../bittorrent/metainfo/metainfo.ts'
import { nodeBulkHash } from '../../node/swarm/node-bulk-hash.ts'

/** A .torrent file, judged. */
export async function readTorrentFile(path: string): Promise<Metainfo> {
  const bytes = await readFile(path).catch(cause => {
    throw new OperationError('file-missing', `${path} cannot be read`, {
      cause,
      next: 'give a .torrent file or a magnet link',
    })
  })
  const parsed = parseMetainfo(new Uint8Array(bytes), nodeBulkHash.sha256)
  if (parsed.ok) return parsed.value
  throw new OperationError(
    parsed.code,
    `${path} is no torrent that can be used${parsed.detail ? `: ${parsed.detail}` : ''}`,
  )
}

/** What `add` takes, of what people give: a magnet link or a file. */
export async function torrentSource(text: string): Promise<string | Metainfo> {
  return text.toLowerCase().startsWith('magnet:') ? text : readTorrentFile(text)
}
