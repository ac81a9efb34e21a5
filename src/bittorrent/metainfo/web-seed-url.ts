import { utf8 } from '../../base/bytes/utf8.ts'
import type { TorrentInfo } from './torrent-info.ts'

/** Percent-encodes all that has a meaning of its own in an address. */
function encodeSegment(bytes: Uint8Array): string {
  let encoded = ''
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    encoded += /[A-Za-z0-9\-_.~]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

/**
 * BEP 19: where a web seed keeps a file of the torrent. An address that ends in a slash is a folder; torrents of several files are
 * always in one.
 *
 * @example
 * webSeedUrl('http://mirror.example/pub/', info, 0) // 'http://mirror.example/pub/album/01.flac'
 */
export function webSeedUrl(url: string, info: TorrentInfo, file: number): string {
  if (info.singleFile && !url.endsWith('/')) return url
  const folder = url.endsWith('/') ? url : `${url}/`
  return folder + info.files[file].path.map(name => encodeSegment(utf8(name))).join('/')
}

/**
 * BEP 17: how a seed that speaks in pieces is asked for bytes of one.
 *
 * @param end of the last byte, which is included
 */
export function httpSeedUrl(url: string, infohash: Uint8Array, piece: number, start: number, end: number): string {
  const separator = url.includes('?') ? '&' : '?'
  return `${url}${separator}info_hash=${encodeSegment(infohash)}&piece=${piece}&ranges=${start}-${end}`
}
