import { PIECE_BLOCK_BYTES } from '../../bittorrent/metainfo/piece-map.ts'
import type { TorrentInfo } from '../../bittorrent/metainfo/torrent-info.ts'
import type { LeafSpan } from '../../bittorrent/swarm/hash-answers.ts'
import { nodeBulkHash } from './node-bulk-hash.ts'
import type { TorrentFiles } from './torrent-files.ts'

/** Reads the leaves of a file's tree (BEP 52), 32 bytes each; `undefined` where their data is not there any more. */
export async function hashLeaves(
  info: TorrentInfo,
  files: TorrentFiles,
  { file, first, count }: LeafSpan,
): Promise<Uint8Array | undefined> {
  const { offset, length } = info.files[file]
  const start = first * PIECE_BLOCK_BYTES
  const bytes = new Uint8Array(Math.min(length - start, count * PIECE_BLOCK_BYTES))
  if (!(await files.read(offset + start, [bytes]).catch(() => false))) return undefined
  const leaves = new Uint8Array(32 * count)
  for (let i = 0; i < count; i++) {
    leaves.set(nodeBulkHash.sha256(bytes.subarray(i * PIECE_BLOCK_BYTES, (i + 1) * PIECE_BLOCK_BYTES)), 32 * i)
  }
  return leaves
}
