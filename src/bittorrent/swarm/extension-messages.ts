import { decodeExtensionHandshake, OUR_EXTENSION_IDS, updateExtensionHandshake } from '../wire/extensions.ts'
import type { Candidates } from './candidates.ts'
import type { MetadataTransfer } from './metadata-transfer.ts'
import { receivePex } from './peer-exchange.ts'
import type { PeerSession } from './peer-session.ts'

const EXTENSION_HANDSHAKES_MAX = 20

/** What extension messages change in a torrent. */
export interface ExtensionHost {
  readonly metadata: MetadataTransfer
  readonly candidates: Candidates
  /** Whether peers may tell of other peers: not before it is known that the torrent is not private (BEP 27). */
  readonly exchangesPeers: boolean
  /** Where we listen. */
  readonly listenPort: number | undefined
  metadataCame(bytes: Uint8Array): void
  /** BEP 54: a peer does not have a piece any more. Returns why it must go, if it must. */
  peerLost(session: PeerSession, piece: number): string | undefined
  /** BEP 21: a peer only gives. */
  peerOnlyGives(session: PeerSession): void
}

/** Takes in a message of BEP 10. Returns why the peer must go, if it must. */
export function receiveExtension(
  host: ExtensionHost,
  session: PeerSession,
  id: number,
  payload: Uint8Array,
  now: number,
): string | undefined {
  if (id === 0) return receiveHandshake(host, session, payload)
  if (id === OUR_EXTENSION_IDS.ut_metadata) {
    const bytes = host.metadata.received(session, payload, now)
    if (bytes !== undefined) host.metadataCame(bytes)
  } else if (id === OUR_EXTENSION_IDS.ut_pex && host.exchangesPeers) {
    const peers = receivePex(session, payload, now)
    if (typeof peers === 'string') return peers
    for (const peer of peers) host.candidates.add(peer, 'pex')
  } else if (id === OUR_EXTENSION_IDS.lt_donthave && payload.length === 4) {
    const [a, b, c, d] = payload
    return host.peerLost(session, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0)
  } else if (id === OUR_EXTENSION_IDS.upload_only && payload.length === 1) {
    session.uploadOnly = payload[0] !== 0
    if (session.uploadOnly) host.peerOnlyGives(session)
  }
  return undefined
}

function receiveHandshake(host: ExtensionHost, session: PeerSession, payload: Uint8Array): string | undefined {
  const said = decodeExtensionHandshake(payload)
  if (said === undefined) return 'peer-bad-extension-handshake'
  if (++session.extensionHandshakes > EXTENSION_HANDSHAKES_MAX) return 'peer-extension-flood'
  const handshake = updateExtensionHandshake(session.handshake, said)
  session.handshake = handshake
  session.uploadOnly = said.uploadOnly ?? session.uploadOnly
  if (session.origin.incoming && handshake.port !== undefined) {
    host.candidates.connected({ host: session.origin.host, port: handshake.port })
  }
  if (session.uploadOnly) host.peerOnlyGives(session)
  if (handshake.yourIp !== undefined) {
    host.candidates.ownAddress = { host: handshake.yourIp, port: host.listenPort ?? 0 }
  }
  return undefined
}
