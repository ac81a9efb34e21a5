/** RFC 2397: how the bytes of a .torrent file stand in a text. */
const PREFIX = 'data:application/x-bittorrent;base64,'

/** The bytes of a .torrent file as a source of `addtorrent`, for whoever has no path that the peer could read. */
export function torrentData(metainfo: Uint8Array): string {
  return PREFIX + Buffer.from(metainfo).toString('base64')
}

/** The bytes in a text that holds some; they are not judged. */
export function readTorrentData(text: string): Uint8Array | undefined {
  return text.startsWith(PREFIX) ? new Uint8Array(Buffer.from(text.slice(PREFIX.length), 'base64')) : undefined
}
