import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha1 } from '../../base/crypto/hash.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import { encodeBencode } from '../bencode/encode.ts'
import { encodeMetadataMessage, OUR_EXTENSION_IDS } from '../wire/extensions.ts'
import { Torrent } from './torrent.ts'
import { TORRENT_OPTIONS } from './torrent-options.ts'

test('a magnet link to what is no torrent ends with a reason', () => {
  const metadata = encodeBencode({ name: 'no files', 'piece length': 16_384 })
  const options = { ...TORRENT_OPTIONS, peerId: new Uint8Array(20).fill(1), listenPort: undefined }
  const torrent = new Torrent({ v1: sha1(metadata), v2: undefined }, options, seededRandom(1))
  const peerId = new Uint8Array(20).fill(2)
  const handshake = { infohash: torrent.wireInfohash, peerId, extensions: true, fast: true, dht: false, v2: false }
  const session = torrent.join(handshake, { host: '9.9.9.9', port: 1, incoming: false, identity: 'x' }, 0)
  assert.ok(typeof session !== 'string')
  torrent.extended(session, 0, encodeBencode({ m: { ut_metadata: 5 }, metadata_size: metadata.length }))
  torrent.heard(session)
  const data = { type: 'data', piece: 0, totalSize: metadata.length, bytes: metadata } as const
  torrent.extended(session, OUR_EXTENSION_IDS.ut_metadata, encodeMetadataMessage(data))
  const effects = torrent.takeEffects().map(effect => [effect.type, 'code' in effect ? effect.code : undefined])
  assert.deepEqual(effects, [
    ['invalid', 'torrent-length-invalid'],
    ['disconnect', 'torrent-length-invalid'],
  ])
})
