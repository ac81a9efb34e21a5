import { PIECE_BLOCK_BYTES } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import type { LeafSpan } from '../../bittorrent/swarm/hash-answers.ts'
import type { HashQueue } from './hash-queue.ts'
import type { TorrentFiles } from './torrent-files.ts'

/** Reads the leaves of a file's tree (BEP 52), 32 bytes each; `undefined` where their data is not there any more. */
export async function hashLeaves(
  info: TorrentInfo,
  files: TorrentFiles,
  { file, first, count }: LeafSpan,
  queue: HashQueue,
): Promise<Uint8Array | undefined> {
  const { offset, length } = info.files[file]
  const start = first * PIECE_BLOCK_BYTES
  const bytes = new Uint8Array(Math.min(length - start, count * PIECE_BLOCK_BYTES))
  if (!(await files.read(offset + start, [bytes]).catch(() => false))) return undefined
  const leaves = new Uint8Array(32 * count)
  await new Promise<void>(resolve => queue.add({ sha1: undefined, leaves, parts: [bytes], zeros: 0 }, resolve))
  return leaves
}
