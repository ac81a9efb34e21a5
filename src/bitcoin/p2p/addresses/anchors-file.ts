import { ByteWriter } from '../../../base/bytes/writer.ts'
import type { HashBackend } from '../../../base/crypto/backend.ts'
import { accept, type Verdict } from '../../../base/verdict.ts'
import type { GossipedAddress } from '../../wire/address-messages.ts'
import { openAddressFile, readAddressRecord, sealAddressFile, writeAddressRecord } from './address-file.ts'

/** Block-relay-only connections that are taken up again after a restart. */
export const ANCHORS_MAX = 2

/** Bytes of a record at least: what a count of more cannot be true of. */
const RECORD_SIZE_MIN = 12

/**
 * The bytes of anchors.dat, in Core's format: peers that a restart begins with, so that it cannot be used to cut us off from all that
 * we had.
 *
 * @param anchors at most {@link ANCHORS_MAX} are written
 */
export function encodeAnchorsFile(
  anchors: readonly GossipedAddress[],
  magic: Uint8Array,
  hash: Pick<HashBackend, 'sha256d'>,
): Uint8Array {
  const kept = anchors.slice(0, ANCHORS_MAX)
  const writer = new ByteWriter().compactSize(kept.length)
  for (const anchor of kept) writeAddressRecord(writer, anchor)
  return sealAddressFile(magic, writer.finish(), hash)
}

/** The anchors of an anchors.dat, {@link ANCHORS_MAX} at most; rejects as {@link openAddressFile}. */
export function decodeAnchorsFile(
  bytes: Uint8Array,
  magic: Uint8Array,
  hash: Pick<HashBackend, 'sha256d'>,
): Verdict<GossipedAddress[]> {
  return openAddressFile(bytes, magic, hash, reader => {
    const count = reader.compactSize(Math.floor(bytes.length / RECORD_SIZE_MIN))
    const anchors: GossipedAddress[] = []
    while (anchors.length < count && reader.failure === undefined) anchors.push(readAddressRecord(reader))
    return accept(anchors.slice(0, ANCHORS_MAX))
  })
}
