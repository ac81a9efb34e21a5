import { toHex } from '../../base/bytes/bytes.ts'
import type { OperationError } from '../../base/errors.ts'
import { formatMagnet } from '../../bittorrent/metainfo/magnet.ts'
import type { SessionTorrent } from '../../node/swarm/session-torrents.ts'
import type { SwarmSession } from '../../node/swarm/swarm-session.ts'
import type { SwarmTorrent } from '../../node/swarm/swarm-torrent.ts'
import { wantedBytes } from '../../node/swarm/wanted-bytes.ts'
import type { Json } from '../json/json-value.ts'

/** Bytes a second; 0 where nothing limits them. */
export function limitJson(limit: number | undefined): Json {
  return limit === undefined || !Number.isFinite(limit) ? 0 : Math.floor(limit)
}

function errorJson(error: OperationError | undefined): Json | undefined {
  if (error === undefined) return undefined
  return { code: error.code, message: error.message, ...(error.next !== undefined && { next: error.next }) }
}

function magnetOf(torrent: SwarmTorrent, trackers: readonly string[]): string {
  const { v1, v2 } = torrent.infohashes
  return formatMagnet({ infohashV1: v1, infohashV2: v2, displayName: torrent.info?.name, trackers })
}

/** What a torrent is at, for `listtorrents` and all that answer with one. */
export function torrentJson(session: SwarmSession, entry: SessionTorrent): Json {
  const { record, torrent, failure } = entry
  const [uploadedBytes, downloadedBytes] = session.totalsOf(entry)
  const { v1, v2 } = torrent === undefined ? {} : torrent.infohashes
  const bytes = torrent === undefined ? { doneBytes: 0, totalBytes: 0 } : wantedBytes(torrent.core)
  const now = performance.now()
  const downRate = Math.round(torrent?.core.download.rate(now) ?? 0)
  return {
    infohash: record.infohash,
    ...(v1 !== undefined && { infohash_v1: toHex(v1) }),
    ...(v2 !== undefined && { infohash_v2: toHex(v2) }),
    name: torrent?.info?.name ?? record.name,
    ...(torrent?.info !== undefined && { size: contentBytes(torrent) }),
    state: failure === undefined ? (torrent?.state ?? 'checking') : 'error',
    error: errorJson(failure ?? torrent?.error),
    paused: record.isHeld,
    complete: torrent?.core.isStarted === true && torrent.core.isDone,
    folder: torrent?.folder ?? record.folder,
    wanted_bytes: bytes.totalBytes,
    done_bytes: bytes.doneBytes,
    download_rate: downRate,
    upload_rate: Math.round(torrent?.core.upload.rate(now) ?? 0),
    downloaded_bytes: downloadedBytes,
    uploaded_bytes: uploadedBytes,
    ...(downRate > 0 &&
      bytes.doneBytes < bytes.totalBytes && {
        seconds_left: Math.ceil((bytes.totalBytes - bytes.doneBytes) / downRate),
      }),
    peers: torrent?.connections.size ?? 0,
    download_limit: limitJson(record.downloadLimit),
    upload_limit: limitJson(record.uploadLimit),
    only: record.only,
    added_time: Math.floor(record.addedAtMs / 1000),
    magnet:
      torrent === undefined
        ? record.magnet
        : magnetOf(
            torrent,
            torrent.trackers.map(({ url }) => url),
          ),
  }
}

function contentBytes({ info }: SwarmTorrent): number {
  return info!.files.reduce((sum, file) => sum + (file.padding ? 0 : file.length), 0)
}

/** Each file: what the torrent calls it, what it is called here, and how much of it is there. */
export function filesJson(torrent: SwarmTorrent): Json {
  const { info, core, places } = torrent
  const files: Json[] = []
  for (const [index, file] of (info?.files ?? []).entries()) {
    if (file.padding) continue
    const [first, last] = core.map?.piecesOfFile(index) ?? [1, 0]
    let doneBytes = 0
    let isWanted = file.length === 0
    for (let piece = first; piece <= last; piece++) {
      const from = Math.max(file.offset, piece * info!.pieceLength)
      const to = Math.min(file.offset + file.length, (piece + 1) * info!.pieceLength)
      if (core.picker?.have.has(piece)) doneBytes += to - from
      if (core.picker !== undefined && core.picker.priority(piece) > 0) isWanted = true
    }
    files.push({
      index,
      path: file.path.join('/'),
      ...(places !== undefined && { name: places.name(index), location: places.path(index) }),
      size: file.length,
      done_bytes: doneBytes,
      wanted: isWanted,
    })
  }
  return files
}

/** Each connected peer. */
export function torrentPeersJson({ connections, core }: SwarmTorrent): Json {
  const now = performance.now()
  return [...connections.values()].flatMap(({ address, session }) => {
    if (session === undefined) return []
    const pieceCount = core.picker?.pieceCount
    const pieces = session.isSeed ? pieceCount : session.bits?.count
    return [
      {
        address: `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`,
        client: session.handshake?.client ?? '',
        inbound: session.origin.incoming,
        seed: session.isSeed,
        ...(pieces !== undefined && { pieces }),
        download_rate: Math.round(session.download.rate(now)),
        upload_rate: Math.round(session.upload.rate(now)),
        downloaded_bytes: session.download.total,
        uploaded_bytes: session.upload.total,
        choking_us: session.peerChoking,
        choked_by_us: session.amChoking,
        interested: session.peerInterested,
        interesting: session.amInterested,
        snubbed: session.snubbed,
        connected_seconds: Math.round((now - session.connectedAt) / 1000),
      },
    ]
  })
}
