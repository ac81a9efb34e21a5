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

/** The parts of a torrent that need the info dictionary: made once the files are known and the storage is ready. */
export class StartedParts {
  readonly map: PieceMap
  readonly picker: PiecePicker
  readonly pieces: PeerPieces
  readonly requests: Requests
  readonly uploads: Uploads
  readonly layers: LayerTransfer
  readonly superSeeding: SuperSeeding | undefined
  readonly #source: PartsSource
  readonly #sink: BlockSink
  readonly #host: PartsHost
  #spoilt: SpoiltPieces | undefined

  constructor(source: PartsSource, stored: StoredPieces, sink: BlockSink, host: PartsHost) {
    const { info, layers, sessions, options, random } = source
    const map = new PieceMap(info)
    const picker = new PiecePicker(map.pieceCount, piece => map.blockCount(piece), random)
    this.map = map
    this.picker = picker
    this.requests = new Requests(picker, map, sink, sessions, options.requests)
    this.uploads = new Uploads(map, picker.have, sessions, options.uploads)
    this.pieces = new PeerPieces(picker, session => host.seedFound(session))
    this.layers = new LayerTransfer(info, layers)
    this.superSeeding = options.superSeed && stored.have.isFull ? new SuperSeeding(picker) : undefined
    // An offer to a peer that is not served would wait for ever.
    if (this.superSeeding !== undefined) this.uploads.slots = SUPER_SEEDING_SLOTS
    this.#source = source
    this.#sink = sink
    this.#host = host
  }

  /** Made when there is a peer: thousands of torrents never have one. */
  get spoilt(): SpoiltPieces {
    if (this.#spoilt === undefined) {
      const { info, sessions } = this.#source
      const leaves = new LeafTransfer(info, this.map, () => this.layers.layers, sessions)
      this.#spoilt = new SpoiltPieces(this.picker, this.requests, this.#sink, leaves, this.#host)
    }
    return this.#spoilt
  }
}
