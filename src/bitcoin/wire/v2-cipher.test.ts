import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sharedPath, skipWithout } from '../../../test/shared-data.ts'
import { concatBytes, hex, toHex } from '../../base/bytes/bytes.ts'
import { portableChaCha20Poly1305 } from '../../base/crypto/chacha20-poly1305.ts'
import { bip324SharedSecret, decodeElligatorSwift } from '../../base/crypto/elligator-swift.ts'
import { publicKeyOf } from '../../base/crypto/keys.ts'
import { deriveV2Keys, PACKET_LENGTH_SIZE, V2Cipher } from './v2-cipher.ts'

const FILE = ['vectors', 'bips', 'bip-0324', 'packet_encoding_test_vectors.csv'] as const
const MAINNET_MAGIC = hex('f9beb4d9')

test('BIP324: keys, and packets early and late', { skip: skipWithout(...FILE) }, () => {
  const [head, ...lines] = readFileSync(sharedPath(...FILE)!, 'utf8')
    .trim()
    .split('\n')
  const names = head.trim().split(',')
  assert.equal(lines.length, 7)
  for (const line of lines) {
    const cells = line.trim().split(',')
    const row = Object.fromEntries(names.map((name, i) => [name, cells[i]]))
    const initiating = row['in_initiating'] === '1'
    const secretKey = hex(row['in_priv_ours'])
    const [ours, theirs] = [hex(row['in_ellswift_ours']), hex(row['in_ellswift_theirs'])]
    assert.equal(toHex(publicKeyOf(secretKey).subarray(1)), row['mid_x_ours'])
    assert.equal(toHex(decodeElligatorSwift(ours)), row['mid_x_ours'])
    assert.equal(toHex(decodeElligatorSwift(theirs)), row['mid_x_theirs'])
    const shared = bip324SharedSecret(secretKey, ours, theirs, initiating)
    assert.equal(toHex(shared), row['mid_shared_secret'])

    const keys = deriveV2Keys(shared, MAINNET_MAGIC)
    assert.equal(toHex(keys.initiatorLength), row['mid_initiator_l'])
    assert.equal(toHex(keys.initiatorContents), row['mid_initiator_p'])
    assert.equal(toHex(keys.responderLength), row['mid_responder_l'])
    assert.equal(toHex(keys.responderContents), row['mid_responder_p'])
    const terminators = [keys.initiatorTerminator, keys.responderTerminator].map(toHex)
    const [sent, received] = initiating ? terminators : terminators.reverse()
    assert.equal(sent, row['mid_send_garbage_terminator'])
    assert.equal(received, row['mid_recv_garbage_terminator'])
    assert.equal(toHex(keys.sessionId), row['out_session_id'])

    const sender = new V2Cipher(keys, initiating, portableChaCha20Poly1305)
    const receiver = new V2Cipher(keys, !initiating, portableChaCha20Poly1305)
    const open = (packet: Uint8Array, aad: Uint8Array) => {
      const length = receiver.openLength(packet)
      assert.equal(length, packet.length - 20)
      return receiver.open(packet.subarray(PACKET_LENGTH_SIZE), aad, new Uint8Array(length + 1))
    }
    const empty = new Uint8Array(0)
    for (let i = 0; i < Number(row['in_idx']); i++) assert.ok(open(sender.seal(new Uint8Array(1), empty), empty))
    const part = hex(row['in_contents'])
    const contents = concatBytes(...new Array<Uint8Array>(Number(row['in_multiply'])).fill(part))
    const aad = hex(row['in_aad'])
    const ignore = row['in_ignore'] === '1'
    const packet = sender.seal(concatBytes(Uint8Array.of(0), contents), aad, ignore)
    if (row['out_ciphertext']) assert.equal(toHex(packet), row['out_ciphertext'])
    if (row['out_ciphertext_endswith']) assert.ok(toHex(packet).endsWith(row['out_ciphertext_endswith']))
    assert.deepEqual(open(packet, aad), { ignore, contents })
  }
})
