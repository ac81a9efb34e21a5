import { toHexReversed } from '../../base/bytes/bytes.ts'
import type { Rejected } from '../../base/verdict.ts'
import { isMutation } from '../consensus/check-block.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** What kind of fault a refused header or block has: what becomes of its sender depends on it. */
type Fault = 'consensus' | 'mutated' | 'cached-invalid' | 'invalid-header' | 'low-work' | 'time-future'

const HEADER_FAULTS: ReadonlySet<string> = new Set([
  'high-hash',
  'bad-diffbits',
  'time-too-old',
  'time-timewarp-attack',
  'bad-prevblk',
  'prev-blk-not-found',
])

function faultOf(code: string): Fault {
  if (code === 'time-too-new') return 'time-future'
  if (code === 'too-little-chainwork') return 'low-work'
  if (code === 'duplicate-invalid') return 'cached-invalid'
  if (isMutation(code)) return 'mutated'
  return isHeaderFault(code) ? 'invalid-header' : 'consensus'
}

/** Whether a reject reason is about a header, and not only because of the clock. */
export function isHeaderFault(code: string): boolean {
  return HEADER_FAULTS.has(code) || code.startsWith('bad-version')
}

/** Says in the log which header was refused, and why, as bitcoind does. */
export function logRefusedHeader(context: P2pContext, hash: Uint8Array, { code, detail }: Rejected): void {
  context.log.debug('validation', () => {
    const reason = detail === undefined ? code : `${code}, ${detail}`
    return `AcceptBlockHeader: Consensus::ContextualCheckBlockHeader: ${toHexReversed(hash)}, ${reason}`
  })
}

/**
 * Blames a peer for a header or block that was refused with `code`, where Core does.
 *
 * @param viaCompactBlock BIP152: compact blocks may be passed on when only their header has been checked
 */
export function punishForBlock(
  context: P2pContext,
  peer: RemotePeer,
  code: string,
  viaCompactBlock: boolean,
  message: string,
): void {
  const fault = faultOf(code)
  const guilty =
    fault === 'invalid-header' ||
    (!viaCompactBlock && (fault === 'consensus' || fault === 'mutated')) ||
    (!viaCompactBlock && fault === 'cached-invalid' && !peer.isInbound)
  if (guilty) context.misbehaving(peer, message)
  else if (message !== '') context.debug(() => `peer=${peer.id}: ${message}`)
}
