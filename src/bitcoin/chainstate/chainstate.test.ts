import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MemoryChain, MemoryDisk } from '../../../test/memory-chain.ts'
import { toHex } from '../../base/bytes/bytes.ts'
import { portableCrypto } from '../../base/crypto/portable.ts'
import { OperationError } from '../../base/errors.ts'
import type { Random } from '../../base/ports/random.ts'
import { seededRandom } from '../../base/ports/seeded-random.ts'
import type { StoreChange } from '../../base/ports/store.ts'
import { loadCrypto } from '../../platform/crypto.ts'
import { MemoryStore } from '../../sim/memory-store.ts'
import { builtInNetwork } from '../params/networks.ts'
import { encodeTransaction, type Transaction, unsignedInput } from '../primitives/transaction.ts'
import { BLOCK_FAILED_VALID, BLOCK_HAVE_DATA } from './block-status.ts'
import { pruneToHeight } from './prune.ts'
import { verifyChain } from './verify-chain.ts'

const crypto = await loadCrypto()
const params = builtInNetwork('regtest')!
const OP_TRUE = Uint8Array.of(0x51)
const NOW = 0xffff_ffff

function open(options: Parameters<typeof MemoryChain.open>[2] = {}): Promise<MemoryChain> {
  return MemoryChain.open(params, crypto, options)
}

/** Different blocks on one parent pay to different scripts. */
function tag(n: number): Uint8Array {
  return Uint8Array.of(0x51, 1 + (n >> 8), 0x75, 1, n & 0xff, 0x75)
}

interface PlainCoin {
  readonly txid: Uint8Array
  readonly index: number
  readonly valueSats: bigint
  readonly height: number
  readonly coinbase: boolean
}

/** The unspent coins after a block, as a plain map. */
type PlainCoins = ReadonlyMap<string, PlainCoin>

function keyOf(txid: Uint8Array, index: number): string {
  return `${toHex(txid)}:${index}`
}

/** Some transactions that spend coins at random, later ones the outputs of earlier ones too. */
function randomSpends(coins: Map<string, PlainCoin>, height: number, random: Random): Transaction[] {
  const transactions: Transaction[] = []
  for (let left = random.below(4); left > 0; left--) {
    const spendable = [...coins.values()].filter(coin => !coin.coinbase || height - coin.height >= 100)
    if (spendable.length === 0) break
    const coin = spendable[random.below(spendable.length)]
    const outputs = Array.from({ length: 1 + random.below(3) }, (_, i) => ({
      valueSats: coin.valueSats / BigInt(4 + i),
      script: random.below(5) === 0 ? Uint8Array.of(0x6a) : OP_TRUE,
    }))
    const transaction = { version: 2, inputs: [unsignedInput(coin.txid, coin.index)], outputs, lockTime: 0 }
    transactions.push(transaction)
    applyPlain(coins, transaction, height, false)
  }
  return transactions
}

function applyPlain(coins: Map<string, PlainCoin>, transaction: Transaction, height: number, coinbase: boolean): void {
  const txid = crypto.sha256d(encodeTransaction(transaction, false))
  if (!coinbase) for (const input of transaction.inputs) coins.delete(keyOf(input.txid, input.index))
  transaction.outputs.forEach(({ valueSats, script }, index) => {
    if (script[0] !== 0x6a) coins.set(keyOf(txid, index), { txid, index, valueSats, height, coinbase })
  })
}

async function storedCoins(memory: MemoryChain): Promise<string[]> {
  await memory.flush()
  const found: string[] = []
  for await (const batch of memory.coinsStore.coins()) {
    for (const { txid, index, coin } of batch) found.push(`${keyOf(txid, index)} ${coin.valueSats} ${coin.height}`)
  }
  return found.sort()
}

function plainList(coins: PlainCoins): string[] {
  return [...coins.entries()].map(([key, coin]) => `${key} ${coin.valueSats} ${coin.height}`).sort()
}

describe('which chain is followed', () => {
  test('the one with the most work; of equals the first that was complete', async () => {
    const memory = await open()
    memory.grow(3)
    const { chain } = memory
    const fork = chain.at(2)
    const first = chain.tip
    const rival = memory.mine(fork, [], tag(1))
    assert.equal(memory.submit(rival), undefined)
    assert.equal(chain.tip, first)
    const rivalId = chain.index.find(crypto.sha256d(rival.subarray(0, 80)))
    assert.equal(memory.submit(memory.mine(rivalId)), undefined)
    assert.equal(chain.height, 4)
    assert.equal(chain.at(3), rivalId)
    assert.equal(chain.isActive(first), false)
    // And back again.
    const second = memory.mine(first, [], tag(2))
    memory.submit(second)
    assert.equal(chain.at(3), rivalId)
    memory.submit(memory.mine(chain.index.find(crypto.sha256d(second.subarray(0, 80)))))
    assert.equal(chain.at(3), first)
    assert.equal(chain.height, 5)
  })

  test('blocks may come in any order once their headers are known', async () => {
    const source = await open()
    source.grow(30)
    const memory = await open()
    const blocks = Array.from({ length: 30 }, (_, i) => source.chain.readBlock(source.chain.at(i + 1)).bytes)
    for (const bytes of blocks) {
      const { header, hash } = memory.hashed(bytes)
      assert.ok(memory.chain.tree.acceptHeader(header, hash, NOW).ok)
    }
    assert.equal(memory.chain.height, 0)
    const random = seededRandom(8)
    while (blocks.length > 0) {
      const [bytes] = blocks.splice(random.below(blocks.length), 1)
      assert.equal(memory.submit(bytes), undefined)
    }
    assert.equal(memory.tipHash, source.tipHash)
    assert.deepEqual(await memory.totals(), await source.totals())
  })

  test('a block is refused with its parent unknown, and taken once', async () => {
    const [memory, other] = [await open(), await open()]
    other.grow(2)
    const child = other.chain.readBlock(other.chain.tip).bytes
    assert.equal(memory.submit(child), 'prev-blk-not-found')
    memory.grow(1)
    const tip = memory.hashed(memory.chain.readBlock(memory.chain.tip).bytes)
    const again = memory.chain.acceptBlock(tip, { requested: true }, NOW)
    assert.ok(again.ok && !again.value.isNew)
  })

  test('an invalid block condemns what stands on it, and the next best chain is followed', async () => {
    const memory = await open()
    memory.grow(105)
    const { chain } = memory
    const before = memory.tipHash
    const totals = await memory.totals()
    const spend = {
      version: 2,
      inputs: [unsignedInput(new Uint8Array(32).fill(1), 0)],
      outputs: [{ valueSats: 1n, script: OP_TRUE }],
      lockTime: 0,
    }
    const bad = memory.mine(chain.tip, [spend])
    const header = memory.hashed(bad)
    const badId = chain.tree.acceptHeader(header.header, header.hash, NOW)
    assert.ok(badId.ok)
    const child = memory.mine(badId.value)
    assert.ok(chain.acceptBlock(memory.hashed(child), { requested: true }, NOW).ok)
    assert.equal(memory.submit(bad), 'bad-txns-inputs-missingorspent')
    assert.equal(memory.tipHash, before)
    assert.equal(memory.submit(child), 'duplicate-invalid')
    assert.equal(memory.submit(memory.mine(badId.value, [], tag(1))), 'bad-prevblk')
    assert.deepEqual(await memory.totals(), totals)
  })

  test('invalidate and reconsider take a chain away and give it back; precious turns a tie', async () => {
    const memory = await open()
    memory.grow(6)
    const { chain } = memory
    const [tip, fork] = [chain.tip, chain.at(3)]
    chain.invalidate(chain.at(4))
    memory.connect()
    assert.equal(chain.tip, fork)
    assert.ok(chain.index.hasStatus(tip, BLOCK_FAILED_VALID))
    chain.reconsider(tip)
    memory.connect()
    assert.equal(chain.tip, tip)
    assert.ok(!chain.index.hasStatus(tip, BLOCK_FAILED_VALID))

    const rival = memory.mine(chain.at(5), [], tag(3))
    memory.submit(rival)
    const rivalId = chain.index.find(crypto.sha256d(rival.subarray(0, 80)))
    assert.equal(chain.tip, tip)
    chain.makePrecious(rivalId)
    memory.connect()
    assert.equal(chain.tip, rivalId)
    chain.makePrecious(tip)
    memory.connect()
    assert.equal(chain.tip, tip)
  })
})

test('coins are those of a plain model, whatever branches come in whatever order', async () => {
  for (const seed of [1, 2, 3]) {
    const random = seededRandom(seed)
    const memory = await open({ xorKey: random.bytes(8) })
    const model = new Map<number, PlainCoins>()
    const record = (id: number, transactions: readonly Transaction[], parentCoins: PlainCoins): void => {
      const { txs, txids } = memory.chain.readBlock(id)
      const coins = new Map(parentCoins)
      const height = memory.chain.index.height(id)
      const txid = txids.slice(0, 32)
      coins.set(keyOf(txid, 0), { txid, index: 0, valueSats: BigInt(txs.outputValue(0)), height, coinbase: true })
      for (const transaction of transactions) applyPlain(coins, transaction, height, false)
      model.set(id, coins)
    }
    model.set(0, new Map())
    for (let i = 0; i < 110; i++) {
      memory.grow(1)
      record(memory.chain.tip, [], model.get(memory.chain.index.previous(memory.chain.tip))!)
    }
    const ends = [memory.chain.tip]
    for (let i = 0; i < 60; i++) {
      const parent = random.below(3) > 0 ? ends.at(-1)! : ends[random.below(ends.length)]
      const parentCoins = model.get(parent)!
      const height = memory.chain.index.height(parent) + 1
      const transactions = randomSpends(new Map(parentCoins), height, random)
      const bytes = memory.mine(parent, transactions, tag(i))
      assert.equal(memory.submit(bytes), undefined, `seed ${seed}, block ${i}`)
      const id = memory.chain.index.find(crypto.sha256d(bytes.subarray(0, 80)))
      record(id, transactions, parentCoins)
      ends.push(id)
      if (random.below(6) === 0) await memory.flush({ empty: random.below(2) === 0 })
      if (random.below(4) > 0) continue
      assert.deepEqual(await storedCoins(memory), plainList(model.get(memory.chain.tip)!), `seed ${seed}, block ${i}`)
    }
    assert.deepEqual(await storedCoins(memory), plainList(model.get(memory.chain.tip)!), `seed ${seed}`)
    const verdict = await verifyChain(
      memory.chain,
      crypto,
      { level: 4, blocks: 0, memoryBytesMax: 1 << 24 },
      async () => {},
    )
    assert.deepEqual(verdict, { ok: true, value: undefined })
    // What was written is taken up again as it was.
    const reopened = await open({ disk: memory.disk })
    assert.equal(reopened.tipHash, memory.tipHash)
  }
})

/** A store on which the power goes after some writes. */
class FailingStore extends MemoryStore {
  writesLeft = Number.POSITIVE_INFINITY

  override async write(changes: readonly StoreChange[]): Promise<void> {
    if (this.writesLeft-- <= 0) throw new OperationError('disk-full', 'no room left')
    await super.write(changes)
  }
}

test('a flush that is cut off after any of its batches is mended from the block files', async () => {
  // Big scripts make many batches of few coins.
  const bigScript = new Uint8Array(9_900).fill(0x61)
  class FailingDisk extends MemoryDisk {
    override readonly coins = new FailingStore()
  }
  for (const writes of [0, 1, 2]) {
    const disk = new FailingDisk()
    const memory = await open({ disk })
    memory.grow(105)
    await memory.flush()
    const { chain } = memory
    for (let i = 0; i < 6; i++) {
      const outputs = Array.from({ length: 95 }, () => ({ valueSats: 1000n, script: bigScript }))
      const source = chain.readBlock(chain.at(1 + i))
      const inputs = [unsignedInput(source.txids.slice(0, 32), 0)]
      assert.equal(memory.submit(memory.mine(chain.tip, [{ version: 2, inputs, outputs, lockTime: 0 }])), undefined)
    }
    await memory.save()
    disk.coins.writesLeft = writes
    const cutOff = await memory.flush().then(
      () => false,
      () => true,
    )
    disk.coins.writesLeft = Number.POSITIVE_INFINITY
    assert.ok(cutOff)
    const mended = await open({ disk })
    mended.connect()
    assert.equal(mended.tipHash, memory.tipHash)
    const whole = await open()
    for (let height = 1; height <= chain.height; height++) whole.submit(chain.readBlock(chain.at(height)).bytes)
    assert.deepEqual(await mended.totals(), await whole.totals(), `${writes} writes`)
  }
})

test('pruning removes whole files below the last 288 blocks, and says so in the index', async () => {
  const memory = await open({ fastPrune: true })
  memory.grow(110)
  const { chain } = memory
  // Enough bytes for several files.
  for (let i = 0; i < 400; i++) memory.submit(memory.mine(chain.tip, [], new Uint8Array(900).fill(0x61)))
  assert.equal(chain.height, 510)
  assert.ok(memory.files.current >= 3)
  assert.equal(pruneToHeight(chain, 20), false)
  assert.equal(pruneToHeight(chain, 500), true)
  assert.ok(!chain.index.hasStatus(chain.at(1), BLOCK_HAVE_DATA))
  for (let height = 510 - 287; height <= 510; height++)
    assert.ok(chain.index.hasStatus(chain.at(height), BLOCK_HAVE_DATA))
  assert.throws(() => chain.readBlock(chain.at(1)), OperationError)
  assert.equal(memory.submit(memory.mine()), undefined)
  await memory.flush()
  const reopened = await open({ disk: memory.disk, fastPrune: true })
  assert.equal(reopened.tipHash, memory.tipHash)
})

test('the portable backend comes to the same coins', async () => {
  const memory = await MemoryChain.open(params, portableCrypto)
  memory.grow(5)
  const other = await open()
  for (let height = 1; height <= 5; height++) other.submit(memory.chain.readBlock(memory.chain.at(height)).bytes)
  assert.deepEqual(await other.totals(), await memory.totals())
})
