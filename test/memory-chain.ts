import { toHex } from '../src/base/bytes/bytes.ts'
import type { Crypto } from '../src/base/crypto/backend.ts'
import { sha256Stream } from '../src/base/crypto/hash.ts'
import { seededRandom } from '../src/base/ports/seeded-random.ts'
import { BlockFiles } from '../src/bitcoin/chainstate/block-files.ts'
import { BlockIndex } from '../src/bitcoin/chainstate/block-index.ts'
import { BlockIndexStore } from '../src/bitcoin/chainstate/block-index-store.ts'
import { Chainstate, type ChainstateOptions } from '../src/bitcoin/chainstate/chainstate.ts'
import { CoinsCache } from '../src/bitcoin/chainstate/coins-cache.ts'
import { CoinsStore } from '../src/bitcoin/chainstate/coins-store.ts'
import { mendCoins } from '../src/bitcoin/chainstate/replay.ts'
import { SerialScriptVerifier } from '../src/bitcoin/chainstate/script-verifier.ts'
import { serializeCoin } from '../src/bitcoin/chainstate/utxo-set-info.ts'
import { type HashedBlock, hashBlock } from '../src/bitcoin/consensus/check-block.ts'
import { Deployments } from '../src/bitcoin/consensus/deployments.ts'
import { assembleBlock, solveBlock } from '../src/bitcoin/mining/assemble-block.ts'
import { blockTemplate } from '../src/bitcoin/mining/block-template.ts'
import type { NetworkParams } from '../src/bitcoin/params/network-params.ts'
import { parseBlock } from '../src/bitcoin/primitives/block.ts'
import { encodeTransaction, type Transaction } from '../src/bitcoin/primitives/transaction.ts'
import { parseTransaction } from '../src/bitcoin/primitives/tx-table.ts'
import { MemoryFiles } from '../src/sim/memory-files.ts'
import { MemoryStore } from '../src/sim/memory-store.ts'

const OP_TRUE = 0x51

export interface MemoryChainOptions {
  readonly options?: Partial<ChainstateOptions>
  readonly xorKey?: Uint8Array
  readonly fastPrune?: boolean
  readonly cacheBytes?: number
  /** What an earlier chain left behind. */
  readonly disk?: MemoryDisk
}

/** Sums over all coins. */
export interface CoinTotals {
  readonly txouts: number
  readonly totalAmountSats: number
  readonly hash: string
}

/** All that would be on a disk. */
export class MemoryDisk {
  readonly blocks = new MemoryFiles()
  readonly index = new MemoryStore()
  readonly coins = new MemoryStore()
}

/** A chainstate over ports in memory: for tests of everything that needs a chain but no disk. */
export class MemoryChain {
  readonly chain: Chainstate
  readonly files: BlockFiles
  readonly disk: MemoryDisk
  readonly coinsStore: CoinsStore
  readonly #crypto: Crypto
  readonly #indexStore: BlockIndexStore
  #flushedAt: Uint8Array

  private constructor(
    parts: { chain: Chainstate; files: BlockFiles; disk: MemoryDisk; coinsStore: CoinsStore },
    crypto: Crypto,
    indexStore: BlockIndexStore,
    flushedAt: Uint8Array,
  ) {
    this.chain = parts.chain
    this.files = parts.files
    this.disk = parts.disk
    this.coinsStore = parts.coinsStore
    this.#crypto = crypto
    this.#indexStore = indexStore
    this.#flushedAt = flushedAt
  }

  /** Opens the chain of a disk, or begins one with its genesis block. */
  static async open(params: NetworkParams, crypto: Crypto, options: MemoryChainOptions = {}): Promise<MemoryChain> {
    const disk = options.disk ?? new MemoryDisk()
    const files = new BlockFiles(disk.blocks, params.magic, crypto, {
      xorKey: options.xorKey ?? new Uint8Array(8),
      fastPrune: options.fastPrune ?? false,
    })
    const random = seededRandom(1)
    const index = new BlockIndex()
    const indexStore = new BlockIndexStore(disk.index, crypto)
    const known = await indexStore.load(index, files)
    const coinsStore = await CoinsStore.open(disk.coins, () => random.bytes(8))
    const salt = new Int32Array(random.bytes(36).buffer)
    const coins = new CoinsCache(coinsStore, salt, options.cacheBytes ?? 64 << 20)
    const verifier = new SerialScriptVerifier(crypto)
    const chain = new Chainstate({
      params,
      crypto,
      index,
      files,
      coins,
      verifier,
      options: { assumeValid: undefined, minimumChainWork: 0n, ...options.options },
    })
    const position = coinsStore.position()
    chain.restore(known ? mendCoins(chain, position) : -1)
    const flushedAt = position.between?.from ?? position.best ?? new Uint8Array(32)
    const memory = new MemoryChain({ chain, files, disk, coinsStore }, crypto, indexStore, flushedAt)
    if (!known) {
      chain.addGenesis()
      memory.connect()
    }
    return memory
  }

  /** Works until the best chain is active; codes of blocks that were refused on the way. */
  connect(): string[] {
    const refused: string[] = []
    while (this.chain.step()) {
      for (const event of this.chain.takeEvents()) if (event.type === 'rejected') refused.push(event.verdict.code)
    }
    for (const event of this.chain.takeEvents()) if (event.type === 'rejected') refused.push(event.verdict.code)
    return refused
  }

  hashed(bytes: Uint8Array): HashedBlock {
    const parsed = parseBlock(bytes)
    if (!parsed.ok) throw new Error(`block does not parse: ${parsed.code}`)
    return hashBlock(parsed.value, this.#crypto)
  }

  /** Accepts a block and follows the best chain: undefined, or the reason why it was refused. */
  submit(bytes: Uint8Array, nowSeconds = 0xffff_ffff): string | undefined {
    const verdict = this.chain.acceptBlock(this.hashed(bytes), { requested: true }, nowSeconds)
    if (!verdict.ok) return verdict.code
    return this.connect()[0]
  }

  /** A solved block on top of any header, as early as it may be unless a time is given. */
  mine(
    previous = this.chain.tip,
    transactions: readonly Transaction[] = [],
    script: Uint8Array = Uint8Array.of(OP_TRUE),
    timeSeconds = 0,
  ): Uint8Array {
    const { index, params } = this.chain
    const template = blockTemplate(index, previous, params, new Deployments(index, params), timeSeconds)
    const tables = transactions.map(transaction => {
      const parsed = parseTransaction(encodeTransaction(transaction))
      if (!parsed.ok) throw new Error(parsed.code)
      return parsed.value
    })
    const bytes = assembleBlock(template, { script, feesSats: 0, transactions: tables }, this.#crypto)
    if (!solveBlock(bytes, template.bits, 0x1_0000_0000, this.#crypto).found) throw new Error('no nonce fits')
    return bytes
  }

  /** Mines and submits blocks on the tip. */
  grow(count: number): void {
    for (let i = 0; i < count; i++) {
      const refused = this.submit(this.mine())
      if (refused !== undefined) throw new Error(refused)
    }
  }

  async save(): Promise<void> {
    await this.#indexStore.save(this.chain.index, this.files, { sync: true })
  }

  /** Writes index and coins, as a node does when it stops. */
  async flush(options: { empty?: boolean } = {}): Promise<void> {
    this.chain.settle()
    await this.save()
    const to = this.chain.index.hash(this.chain.tip).slice()
    await this.coinsStore.flush(this.chain.coins, this.#flushedAt, to, { sync: true })
    this.chain.coins.markClean(options.empty ?? false)
    this.#flushedAt = to
  }

  /** What tells two sets of coins apart. The coins are flushed first. */
  async totals(): Promise<CoinTotals> {
    await this.flush()
    const hash = sha256Stream()
    let txouts = 0
    let totalAmountSats = 0
    for await (const batch of this.coinsStore.coins()) {
      for (const stored of batch) {
        hash.update(serializeCoin(stored))
        txouts++
        totalAmountSats += stored.coin.valueSats
      }
    }
    return { txouts, totalAmountSats, hash: toHex(hash.digest()) }
  }

  get tipHash(): string {
    return this.chain.index.hashHex(this.chain.tip)
  }
}
