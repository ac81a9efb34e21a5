import type { Random } from '../../base/ports/random.ts'
import type { PieceLayers } from '../metainfo/piece-layers.ts'
import { PieceMap } from '../metainfo/piece-map.ts'
import type { TorrentInfo } from '../metainfo/torrent-info.ts'
import { PiecePicker } from '../picker/piece-picker.ts'
import { LayerTransfer } from './layer-transfer.ts'
import { LeafTransfer } from './leaf-transfer.ts'
import { PeerPieces } from './peer-pieces.ts'
import type { PeerSession } from './peer-session.ts'
import { type BlockSink, Requests } from './requests.ts'
import { SpoiltPieces, type SpoiltPiecesHost } from './spoilt-pieces.ts'
import { SuperSeeding } from './super-seeding.ts'
import type { StoredPieces, TorrentOptions } from './torrent-options.ts'
import { Uploads } from './uploads.ts'

/** BEP 16: peers that are served at once while each is given different pieces. */
const SUPER_SEEDING_SLOTS = 100

/** The parts that need the info dictionary. */
export interface StartedParts {
  readonly map: PieceMap
  readonly picker: PiecePicker
  readonly pieces: PeerPieces
  readonly requests: Requests
  readonly uploads: Uploads
  readonly layers: LayerTransfer
  readonly spoilt: SpoiltPieces
  readonly superSeeding: SuperSeeding | undefined
}

/** What the parts are made of. */
export interface PartsSource {
  readonly info: TorrentInfo
  readonly layers: PieceLayers
  readonly sessions: ReadonlyMap<number, PeerSession>
  readonly options: TorrentOptions
  readonly random: Random
}

/** What the parts have to say. */
export interface PartsHost extends SpoiltPiecesHost {
  /** A peer has everything. */
  seedFound(session: PeerSession): void
}

/** Makes the parts, once the files are known and the storage is ready. */
export function startParts(
  { info, layers: givenLayers, sessions, options, random }: PartsSource,
  stored: StoredPieces,
  sink: BlockSink,
  host: PartsHost,
): StartedParts {
  const map = new PieceMap(info)
  const picker = new PiecePicker(map.pieceCount, piece => map.blockCount(piece), random)
  const requests = new Requests(picker, map, sink, sessions, options.requests)
  const uploads = new Uploads(map, picker.have, sessions, options.uploads)
  const pieces = new PeerPieces(picker, session => host.seedFound(session))
  const layers = new LayerTransfer(info, givenLayers)
  const makeSpoilt = () => {
    const leaves = new LeafTransfer(info, map, () => layers.layers, sessions)
    return new SpoiltPieces(picker, requests, sink, leaves, host)
  }
  let spoilt: SpoiltPieces | undefined
  const superSeeding = options.superSeed && stored.have.isFull ? new SuperSeeding(picker) : undefined
  // An offer to a peer that is not served would wait for ever.
  if (superSeeding !== undefined) uploads.slots = SUPER_SEEDING_SLOTS
  return {
    map,
    picker,
    pieces,
    requests,
    uploads,
    layers,
    superSeeding,
    // Made when there is a peer: thousands of torrents never have one.
    get spoilt() {
      spoilt ??= makeSpoilt()
      return spoilt
    },
  }
}
