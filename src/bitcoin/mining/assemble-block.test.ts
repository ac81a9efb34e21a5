import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryChain } from '../../../test/memory-chain.ts'
import { loadCrypto } from '../../platform/crypto.ts'
import { builtInNetwork } from '../params/networks.ts'
import { parseBlock } from '../primitives/block.ts'

test('blocks have witnesses from the height on at which they may', async () => {
  const crypto = await loadCrypto()
  const params = builtInNetwork('regtest')!
  const memory = await MemoryChain.open({ ...params, buried: { ...params.buried, segwit: 3 } }, crypto)
  const witnesses: boolean[] = []
  for (let height = 1; height <= 4; height++) {
    const bytes = memory.mine()
    assert.equal(memory.submit(bytes), undefined, `height ${height}`)
    const block = parseBlock(bytes)
    assert.ok(block.ok)
    witnesses.push(block.value.txs.hasWitness(0))
  }
  assert.deepEqual(witnesses, [false, false, true, true])
})
