import assert from 'node:assert/strict'
import { it } from 'node:test'
import { toHex } from '../base/bytes/bytes.ts'
import { hash160, sha256 } from '../base/crypto/hash.ts'
import { publicKeyOf } from '../base/crypto/keys.ts'
import { builtInNetwork } from '../bitcoin/params/networks.ts'
import { encodeAddress, encodeSecretKey } from '../bitcoin/primitives/address.ts'
import { DEV_KEY } from './dev-key.ts'

it('the published test key is what it says it is', () => {
  const { addresses } = builtInNetwork('regtest')!
  const secret = sha256(new TextEncoder().encode('peers dev: a published test key, worth nothing'))
  const publicKey = publicKeyOf(secret)
  assert.equal(toHex(secret), DEV_KEY.secretHex)
  assert.equal(toHex(publicKey), DEV_KEY.publicKeyHex)
  assert.equal(encodeSecretKey({ secret, compressed: true }, addresses), DEV_KEY.wif)
  const program = hash160(publicKey)
  assert.equal(encodeAddress({ type: 'witness', version: 0, program }, addresses), DEV_KEY.address)
})
