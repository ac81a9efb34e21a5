import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes, hex } from '../../src/base/bytes/bytes.ts'
import { sha256d } from '../../src/base/crypto/hash.ts'
import { nextWorkRequired } from '../../src/bitcoin/consensus/proof-of-work.ts'
import { blockSubsidySats } from '../../src/bitcoin/consensus/subsidy.ts'
import { builtInNetwork } from '../../src/bitcoin/params/networks.ts'
import { encodeBlock } from '../../src/bitcoin/primitives/block.ts'
import { encodeTransaction } from '../../src/bitcoin/primitives/transaction.ts'
import { pushNumber } from '../../src/bitcoin/script/script-builder.ts'
import { loadCrypto } from '../../src/platform/crypto.ts'
import { MemoryChain } from '../memory-chain.ts'
import { readSharedJson, skipWithout } from '../shared-data.ts'

const FILE = ['vectors', 'core', 'mainnet_alt.json'] as const
/** What every coinbase of that chain pays to. */
const SCRIPT = hex('76a914eadbac7f36c37e39361168b7aaee3cb24a25312d88ac')
const DIFFICULTY_1_BITS = 0x1d00ffff
const DIFFICULTY_4_BITS = 0x1c3fffc0

test('mainnet_alt.json: 2,016 blocks under the rules of main, with the retarget to four times the difficulty', {
  skip: skipWithout(...FILE),
}, async () => {
  const params = builtInNetwork('main')!
  const { timestamps, nonces } = readSharedJson<{ timestamps: number[]; nonces: number[] }>(...FILE)
  assert.equal(timestamps.length, 2016)
  assert.equal(nonces.length, 2016)
  const memory = await MemoryChain.open(params, await loadCrypto())
  const { chain } = memory

  const blockAt = (height: number, bits: number): Uint8Array => {
    const scriptSig = height <= 16 ? concatBytes(pushNumber(height), Uint8Array.of(0)) : pushNumber(height)
    const coinbase = encodeTransaction({
      version: 2,
      inputs: [{ txid: new Uint8Array(32), index: 0xffff_ffff, scriptSig, sequence: 0xffff_ffff, witness: [] }],
      outputs: [{ valueSats: BigInt(blockSubsidySats(height, params)), script: SCRIPT }],
      lockTime: 0,
    })
    const header = {
      version: 0x2000_0000,
      previous: chain.index.hash(chain.tip),
      merkleRoot: sha256d(coinbase),
      time: timestamps[height - 1],
      bits,
      nonce: nonces[height - 1],
    }
    return encodeBlock(header, [coinbase])
  }

  for (let height = 1; height < 2016; height++) {
    assert.equal(memory.submit(blockAt(height, DIFFICULTY_1_BITS)), undefined, `height ${height}`)
    assert.equal(chain.height, height)
  }
  assert.equal(nextWorkRequired(chain.index, chain.tip, timestamps[2015], params), DIFFICULTY_4_BITS)
  assert.equal(memory.submit(blockAt(2016, DIFFICULTY_1_BITS)), 'high-hash')
  assert.equal(memory.submit(blockAt(2016, DIFFICULTY_4_BITS)), undefined)
  assert.equal(chain.height, 2016)
  assert.equal(chain.index.bits(chain.tip), DIFFICULTY_4_BITS)

  const { txouts, totalAmountSats } = await memory.totals()
  assert.deepEqual({ txouts, totalAmountSats }, { txouts: 2016, totalAmountSats: 2016 * 50e8 })
})
