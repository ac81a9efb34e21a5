import { PIECE_BLOCK_BYTES } from '../../bittorrent/metainfo/piece-map.ts'
import { PIECE_HEADER_BYTES } from '../../bittorrent/wire/message-ids.ts'

/** Bytes of blocks that fit into a small buffer and into a large one, with a header for each block. */
const SIZES = [256 * 1024, 1024 * 1024] as const
/** Kept for later, of each size. */
const FREE_MAX = [16, 4] as const

const withHeaders = SIZES.map(bytes => bytes + (bytes / PIECE_BLOCK_BYTES) * PIECE_HEADER_BYTES)
const free: Buffer[][] = SIZES.map(() => [])

/** A buffer for at least so many bytes, headers included; its contents are anything. */
export function takeBuffer(bytes: number): Buffer {
  const size = withHeaders.findIndex(room => bytes <= room)
  if (size < 0) return Buffer.allocUnsafeSlow(bytes)
  return free[size].pop() ?? Buffer.allocUnsafeSlow(withHeaders[size])
}

export function giveBuffer(buffer: Buffer): void {
  const size = withHeaders.indexOf(buffer.length)
  if (size >= 0 && free[size].length < FREE_MAX[size]) free[size].push(buffer)
}
