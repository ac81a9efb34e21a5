import assert from 'node:assert/strict'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { parseMetainfo } from '../src/bittorrent/metainfo/metainfo.ts'
import { PieceMap } from '../src/bittorrent/metainfo/piece-map.ts'
import { FilePlaces } from '../src/node/swarm/file-places.ts'
import type { HashPool } from '../src/node/swarm/hash-pool.ts'
import { makeTorrent } from '../src/node/swarm/make-torrent.ts'
import { OpenFilesLimit } from '../src/node/swarm/open-files-limit.ts'
import { TorrentFiles } from '../src/node/swarm/torrent-files.ts'

/** What all file handles of Node share; a test watches their flushes or lets them fail, and puts {@link datasync} back. */
export const handlePrototype = await (async () => {
  const handle = await open('.')
  await handle.close()
  return Object.getPrototypeOf(handle) as { datasync(): Promise<void> }
})()
export const { datasync } = handlePrototype

/** The files of a torrent of what is at a path, to lie in a folder, none of them there. */
export async function absentFiles(
  path: string,
  folder: string,
  pool: HashPool,
  limit = new OpenFilesLimit(),
): Promise<TorrentFiles> {
  const parsed = parseMetainfo(await makeTorrent(path, { version: 'v1' }, pool))
  assert.ok(parsed.ok)
  const { info } = parsed.value
  const places = await FilePlaces.load(info, join(folder, 'places'), join(folder, 'new'))
  return new TorrentFiles(info, new PieceMap(info), places, join(folder, 'parts'), limit)
}
