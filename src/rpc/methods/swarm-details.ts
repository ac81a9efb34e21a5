import type { SessionTorrent } from '../../node/swarm/session-torrents.ts'
import type { SwarmTorrent } from '../../node/swarm/swarm-torrent.ts'
import { filesJson, limitJson, torrentJson, torrentPeersJson } from '../answers/torrent-json.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'
import { swarmMethod, TORRENT, torrentOf } from './swarm-call.ts'

function running({ torrent, failure }: SessionTorrent): SwarmTorrent {
  if (torrent !== undefined) return torrent
  throw failure ?? new RpcError(RPC_MISC_ERROR, 'torrent-busy: it has not been taken up yet\n  next: try again later')
}

const listtorrents = swarmMethod({
  name: 'listtorrents',
  about: 'Tells about each torrent, in the order in which they were added.',
  params: [],
  result: '[{ "infohash", "name", "state", "complete", "wanted_bytes", "done_bytes", "peers", ... }, ...]',
  handler: session => session.torrents.map(entry => torrentJson(session, entry)),
})

const gettorrent = swarmMethod({
  name: 'gettorrent',
  about: 'Tells about one torrent: what it is at, how much is there, and at what rates it is fetched and given.',
  params: [TORRENT],
  result:
    '{ "infohash", "name", "size", "state", "error", "paused", "complete", "folder", "wanted_bytes", "done_bytes", ' +
    '"download_rate", "upload_rate", "downloaded_bytes", "uploaded_bytes", "seconds_left", "peers", "magnet", ... }',
  handler: (session, args) => torrentJson(session, torrentOf(session, args)),
})

const gettorrentfiles = swarmMethod({
  name: 'gettorrentfiles',
  about: 'Tells about the files of a torrent; there are none before its metadata is.',
  params: [TORRENT],
  result: '[{ "index", "path", "name", "location", "size", "done_bytes", "wanted" }, ...]',
  handler: (session, args) => filesJson(running(torrentOf(session, args))),
})

const gettorrentpeers = swarmMethod({
  name: 'gettorrentpeers',
  about: 'Tells about each peer that is connected for a torrent.',
  params: [TORRENT],
  result: '[{ "address", "client", "inbound", "seed", "pieces", "download_rate", "upload_rate", ... }, ...]',
  handler: (session, args) => torrentPeersJson(running(torrentOf(session, args))),
})

const gettorrenttrackers = swarmMethod({
  name: 'gettorrenttrackers',
  about: 'Tells how the trackers and web seeds of a torrent fare.',
  params: [TORRENT],
  result:
    '{ "trackers": [{ "url", "seeders", "leechers", "error", "code", "next" }, ...], "web_seeds": [{ "url", ... }, ...] }',
  handler: (session, args) => {
    const { trackers, webSeeds } = running(torrentOf(session, args))
    return { trackers: trackers.map(status => ({ ...status })), web_seeds: webSeeds.map(status => ({ ...status })) }
  },
})

const getswarminfo = swarmMethod({
  name: 'getswarminfo',
  about: 'Tells how the swarm as a whole is: torrents, connections, rates, limits, and what is being hashed.',
  params: [],
  result:
    '{ "torrents", "port", "connections", "download_rate", "upload_rate", "download_limit", "upload_limit", ' +
    '"allow_private": whether trackers and web seeds may be on private networks, ' +
    '"hashing": [{ "path", "done_bytes", "total_bytes" }, ...] }',
  handler: session => {
    const now = performance.now()
    const sum = (rate: (torrent: SwarmTorrent) => number) =>
      Math.round(
        session.torrents.reduce((total, { torrent }) => total + (torrent === undefined ? 0 : rate(torrent)), 0),
      )
    return {
      torrents: session.torrents.length,
      ...(session.port !== undefined && { port: session.port }),
      connections: session.connectionCount,
      download_rate: sum(torrent => torrent.core.download.rate(now)),
      upload_rate: sum(torrent => torrent.core.upload.rate(now)),
      download_limit: limitJson(session.limits.download),
      upload_limit: limitJson(session.limits.upload),
      allow_private: session.allowsPrivate,
      hashing: session.makings.map(({ path, doneBytes, totalBytes }) => ({
        path,
        done_bytes: doneBytes,
        total_bytes: totalBytes,
      })),
    }
  },
})

export const SWARM_DETAIL_METHODS: readonly RpcMethod[] = [
  listtorrents,
  gettorrent,
  gettorrentfiles,
  gettorrentpeers,
  gettorrenttrackers,
  getswarminfo,
]
