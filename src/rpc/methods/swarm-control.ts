import { OperationError } from '../../base/errors.ts'
import type { TorrentVersion } from '../../bittorrent/metainfo/create-metainfo.ts'
import { torrentJson } from '../answers/torrent-json.ts'
import { asArray, asString } from '../arguments.ts'
import type { RpcMethod, RpcParam } from '../method.ts'
import { RPC_INVALID_PARAMETER, RpcError } from '../rpc-error.ts'
import { readTorrentData } from '../torrent-data.ts'
import { absolutePath, asLimit, OptionFields, peersOf, swarmMethod, TORRENT, torrentOf } from './swarm-call.ts'

const TORRENT_RESULT =
  '{ "infohash", "name", "state", "complete", "folder", "wanted_bytes", "done_bytes", "download_rate", "magnet", ... }'

const PEERS: RpcParam = { name: 'peers', type: 'array', about: 'Peers to call at once, as host:port.' }
const TRACKERS: RpcParam = { name: 'trackers', type: 'array', about: 'Trackers beside those of the torrent itself.' }
const UPLOAD_LIMIT: RpcParam = {
  name: 'upload_limit',
  type: 'number',
  about: 'Bytes a second that may be given of this torrent; 0 for no limit.',
}

const FETCH_OPTIONS: RpcParam = {
  name: 'options',
  type: 'options',
  about: 'How it is to be fetched.',
  fields: [
    { name: 'only', type: 'array', about: 'Patterns such as *.flac: only files that fit one are fetched.' },
    { name: 'sequential', type: 'bool', about: 'Fetch the pieces in order.' },
    { name: 'preallocate', type: 'bool', about: 'Set the room on the disk aside first.' },
    { name: 'paused', type: 'bool', about: 'Add it, and wait for resumetorrent.' },
    PEERS,
    TRACKERS,
    UPLOAD_LIMIT,
    { name: 'download_limit', type: 'number', about: 'Bytes a second that may be fetched of this torrent.' },
  ],
}

const SHARE_OPTIONS: RpcParam = {
  name: 'options',
  type: 'options',
  about: 'What kind of torrent it is to be.',
  fields: [
    { name: 'format', type: 'string', about: 'v1, v2 or hybrid, which is the default.' },
    { name: 'piece_length', type: 'number', about: 'A power of two from 16384; chosen by size where left out.' },
    { name: 'private', type: 'bool', about: 'Peers come from its trackers alone (BEP 27).' },
    { name: 'super_seed', type: 'bool', about: 'Give each piece about once, and let the crowd pass it on (BEP 16).' },
    { name: 'web_seeds', type: 'array', about: 'Where the files also are on the web (BEP 19).' },
    PEERS,
    TRACKERS,
    UPLOAD_LIMIT,
  ],
}

function formatOf(text: string | undefined): TorrentVersion {
  if (text === undefined) return 'hybrid'
  if (text === 'v1' || text === 'v2' || text === 'hybrid') return text
  throw new RpcError(RPC_INVALID_PARAMETER, 'format must be v1, v2 or hybrid')
}

const addtorrent = swarmMethod({
  name: 'addtorrent',
  about:
    'Fetches a torrent, checks every piece, and gives on what it has. Goes on after a restart, until it is removed. ' +
    'Answers at once; gettorrent tells how far it is.',
  params: [
    {
      name: 'source',
      type: 'string',
      required: true,
      about:
        'A magnet link, the path of a .torrent file, or its bytes: data:application/x-bittorrent;base64,… (RFC 2397).',
    },
    { name: 'folder', type: 'string', required: true, about: 'Where its files go; an absolute path.' },
    FETCH_OPTIONS,
  ],
  result: TORRENT_RESULT,
  handler: async (session, args) => {
    const options = new OptionFields(args, FETCH_OPTIONS)
    const text = args.string('source')
    const isMagnet = text.toLowerCase().startsWith('magnet:')
    const source = isMagnet ? text : (readTorrentData(text) ?? absolutePath(text, 'source'))
    const entry = await session.add(source, {
      folder: absolutePath(args.string('folder'), 'folder'),
      only: options.texts('only'),
      sequential: options.bool('sequential'),
      preallocate: options.bool('preallocate'),
      paused: options.bool('paused'),
      peers: options.peers(),
      trackers: options.trackers(),
      uploadLimit: options.limit('upload_limit'),
      downloadLimit: options.limit('download_limit'),
    })
    return torrentJson(session, entry)
  },
})

const sharefiles = swarmMethod({
  name: 'sharefiles',
  about:
    'Makes a torrent of a file or folder and gives it, until it is removed. Answers when all is hashed; getswarminfo ' +
    'tells how far that is. What is given from there already stays as it is, calls the peers, and goes on if it stood still.',
  params: [
    { name: 'path', type: 'string', required: true, about: 'The file or folder; an absolute path.' },
    SHARE_OPTIONS,
  ],
  result:
    `${TORRENT_RESULT.slice(0, -2)}, "known": whether it was given already, ` +
    '"metainfo": the bytes of the .torrent file in base64 }',
  handler: async (session, args) => {
    const options = new OptionFields(args, SHARE_OPTIONS)
    const pieceLength = options.size('piece_length')
    const { entry, metainfo, isKnown } = await session.share(absolutePath(args.string('path'), 'path'), {
      version: formatOf(options.text('format')),
      private: options.bool('private'),
      superSeed: options.bool('super_seed'),
      trackers: options.trackers(),
      webSeeds: options.webSeeds(),
      peers: options.peers(),
      uploadLimit: options.limit('upload_limit'),
      ...(pieceLength !== undefined && { pieceLength }),
    })
    return {
      ...(torrentJson(session, entry) as object),
      known: isKnown,
      metainfo: Buffer.from(metainfo).toString('base64'),
    }
  },
})

const addtorrentpeers = swarmMethod({
  name: 'addtorrentpeers',
  about: 'Calls more peers for a torrent, now and after a restart.',
  params: [TORRENT, { ...PEERS, required: true }],
  result: TORRENT_RESULT,
  handler: async (session, args) => {
    const entry = torrentOf(session, args)
    await session.addPeers(entry, peersOf(asArray(args.value('peers')).map(asString)))
    return torrentJson(session, entry)
  },
})

const pausetorrent = swarmMethod({
  name: 'pausetorrent',
  about: 'Parts from the peers of a torrent, until resumetorrent, after a restart too. What is there stays.',
  params: [TORRENT],
  result: TORRENT_RESULT,
  handler: async (session, args) => {
    const entry = torrentOf(session, args)
    await session.pause(entry)
    return torrentJson(session, entry)
  },
})

const resumetorrent = swarmMethod({
  name: 'resumetorrent',
  about:
    'Goes on with a torrent after pausetorrent, or after what its error names is mended. Files that were changed or ' +
    'are missing are fetched again from then on.',
  params: [TORRENT],
  result: TORRENT_RESULT,
  handler: async (session, args) => {
    const entry = torrentOf(session, args)
    await session.resume(entry)
    return torrentJson(session, entry)
  },
})

const removetorrent = swarmMethod({
  name: 'removetorrent',
  about: 'Leaves a torrent and forgets it. Its files stay where they are.',
  params: [TORRENT],
  result: 'null',
  handler: async (session, args) => {
    await session.remove(torrentOf(session, args))
    return null
  },
})

const movetorrent = swarmMethod({
  name: 'movetorrent',
  about:
    'Moves the files of a torrent to another folder, also to another disk, while they are fetched and given. Answers ' +
    'when they are there. A crash on the way loses nothing.',
  params: [TORRENT, { name: 'folder', type: 'string', required: true, about: 'An absolute path.' }],
  result: TORRENT_RESULT,
  handler: async (session, args) => {
    const entry = torrentOf(session, args)
    await session.move(entry, absolutePath(args.string('folder'), 'folder'))
    return torrentJson(session, entry)
  },
})

const renametorrent = swarmMethod({
  name: 'renametorrent',
  about:
    'Renames a file or folder of a torrent on this disk, while it is fetched and given; for others it keeps its name. ' +
    'gettorrentfiles tells the names.',
  params: [
    TORRENT,
    { name: 'from', type: 'string', required: true, about: 'Its name, from the folder of the torrent on.' },
    { name: 'to', type: 'string', required: true, about: 'Its new name, from the folder of the torrent on.' },
  ],
  result: TORRENT_RESULT,
  handler: async (session, args) => {
    const entry = torrentOf(session, args)
    await session.rename(entry, args.string('from'), args.string('to'))
    return torrentJson(session, entry)
  },
})

const LIMITS: readonly RpcParam[] = [
  { name: 'upload', type: 'number', about: 'Bytes a second; 0 for no limit. Null leaves it as it is.' },
  { name: 'download', type: 'number', about: 'Bytes a second; 0 for no limit. Null leaves it as it is.' },
]

const settorrentlimits = swarmMethod({
  name: 'settorrentlimits',
  about: 'Limits one torrent, from now on and after a restart. The limits of the whole swarm hold beside them.',
  params: [TORRENT, ...LIMITS],
  result: TORRENT_RESULT,
  handler: async (session, args) => {
    const entry = torrentOf(session, args)
    await session.setTorrentLimits(entry, {
      ...(args.has('upload') && { upload: asLimit(args.value('upload')) }),
      ...(args.has('download') && { download: asLimit(args.value('download')) }),
    })
    return torrentJson(session, entry)
  },
})

const setswarmlimits = swarmMethod({
  name: 'setswarmlimits',
  about:
    'Limits all torrents together, from now on and after a restart, until a limit is set again here or at a start.',
  params: LIMITS,
  result: 'null',
  handler: async (session, args) => {
    if (!args.has('upload') && !args.has('download')) {
      throw new OperationError('no-limit', 'neither limit is given', { next: 'give one, or 0 for none' })
    }
    await session.setLimits({
      ...(args.has('upload') && { upload: asLimit(args.value('upload')) }),
      ...(args.has('download') && { download: asLimit(args.value('download')) }),
    })
    return null
  },
})

export const SWARM_CONTROL_METHODS: readonly RpcMethod[] = [
  addtorrent,
  sharefiles,
  addtorrentpeers,
  pausetorrent,
  resumetorrent,
  removetorrent,
  movetorrent,
  renametorrent,
  settorrentlimits,
  setswarmlimits,
]
