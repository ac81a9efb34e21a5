import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { concatBytes, equalBytes } from '../src/base/bytes/bytes.ts'
import type { Crypto } from '../src/base/crypto/backend.ts'
import type { Random } from '../src/base/ports/random.ts'
import { seededRandom } from '../src/base/ports/seeded-random.ts'
import { blockScriptFlags } from '../src/bitcoin/consensus/block-script-flags.ts'
import { checkBlock, type HashedBlock, hashBlock } from '../src/bitcoin/consensus/check-block.ts'
import { checkTransaction } from '../src/bitcoin/consensus/check-transaction.ts'
import { merkleRoot } from '../src/bitcoin/consensus/merkle.ts'
import { witnessCommitmentOutput } from '../src/bitcoin/consensus/witness-commitment.ts'
import { solveBlock } from '../src/bitcoin/mining/assemble-block.ts'
import { builtInNetwork } from '../src/bitcoin/params/networks.ts'
import { parseBlock, parseLeadingBlock } from '../src/bitcoin/primitives/block.ts'
import { Prevouts } from '../src/bitcoin/primitives/prevouts.ts'
import { parseTransaction } from '../src/bitcoin/primitives/tx-table.ts'
import { SCRIPT_FLAGS_BY_NAME, SCRIPT_VERIFY_P2SH } from '../src/bitcoin/script/flags.ts'
import { TransactionSignatureChecker } from '../src/bitcoin/script/transaction-signature-checker.ts'
import { verifyInputWith } from '../src/bitcoin/script/verify-input.ts'
import { loadCrypto } from '../src/platform/crypto.ts'
import { mixedChain } from './functional/ledger-harness.ts'
import { readInvalidBlocks } from './invalid-blocks.ts'
import { MemoryChain } from './memory-chain.ts'
import { mutate } from './mutate.ts'
import { readSharedBytes, skipWithout } from './shared-data.ts'

const SEED = 20_260_801
const BLOCK_MUTATIONS = 5000
const TRANSACTION_MUTATIONS = 5000
/** Bigger blocks would take most of the time and show nothing new. */
const BLOCK_BYTES_MAX = 6000
const NOW_SECONDS = 2_000_000_000

/** Runs a case for each of many seeds; a failure names the seed that repeats it. */
function forSeeds(count: number, check: (random: Random) => void): void {
  for (let i = 0; i < count; i++) {
    try {
      check(seededRandom(SEED + i))
    } catch (cause) {
      throw new Error(`seed ${SEED + i}: ${(cause as Error).message}`, { cause })
    }
  }
}

describe('10,000 mutations of blocks and transactions', {
  skip: skipWithout('fixtures', 'chain-mixed') || skipWithout('fixtures', 'invalid-blocks'),
}, () => {
  const params = builtInNetwork('regtest')!
  let crypto: Crypto
  let memory: MemoryChain
  let blocks: Uint8Array[]

  before(async () => {
    crypto = await loadCrypto()
    memory = await MemoryChain.open(params, crypto)
    const chain = mixedChain()
    for (const { bytes } of chain) {
      const parsed = parseLeadingBlock(bytes)
      assert.ok(parsed.ok)
      memory.chain.acceptBlock(hashBlock(parsed.value, crypto), { requested: true }, NOW_SECONDS)
      memory.connect()
    }
    const { cases } = readInvalidBlocks()
    const onTip = cases.map(({ file }) => readSharedBytes('fixtures', 'invalid-blocks', file))
    blocks = [...onTip, ...chain.slice(-100).map(({ bytes }) => bytes)].filter(({ length }) => length < BLOCK_BYTES_MAX)
    assert.ok(blocks.length > 150)
  })

  /** The block with a true merkle root, commitment and proof of work, so that the checks behind those are reached. */
  function resealed(bytes: Uint8Array): Uint8Array {
    const sealed = bytes.slice()
    const parsed = parseBlock(sealed)
    if (!parsed.ok || parsed.value.txs.txCount === 0) return bytes
    const { txs } = parsed.value
    const output = witnessCommitmentOutput(txs)
    const [reserved] = txs.inputCountOf(0) === 0 ? [] : txs.witness(0)
    if (output >= 0 && reserved?.length === 32) {
      const wtxids = txs.wtxids(crypto).fill(0, 0, 32)
      sealed.set(
        crypto.sha256d(concatBytes(merkleRoot(wtxids, crypto).root, reserved)),
        txs.outputScriptOffset[output] + 6,
      )
    }
    sealed.set(merkleRoot(txs.txids(crypto), crypto).root, 36)
    solveBlock(sealed, params.genesisHeader.bits, 1000, crypto)
    return sealed
  }

  /** Every way in which a block from outside is judged; the codes that came of it. */
  function judge(block: HashedBlock): string {
    const { chain } = memory
    checkBlock(block, params, crypto, { proofOfWork: false, merkleRoot: false })
    if (equalBytes(block.header.previous, chain.index.hash(chain.tip))) {
      chain.testBlock(block, { proofOfWork: false, merkleRoot: false }, NOW_SECONDS)
    }
    const accepted = chain.acceptBlock(block, { requested: true }, NOW_SECONDS)
    const refused = memory.connect()
    return accepted.ok ? (refused[0] ?? 'ok') : accepted.code
  }

  test('blocks: nothing is thrown, and tip and coins stay', async () => {
    const { chain } = memory
    const [tip, coins] = [chain.tip, await memory.totals()]
    const codes = new Map<string, number>()
    const count = (code: string): void => void codes.set(code, (codes.get(code) ?? 0) + 1)
    forSeeds(BLOCK_MUTATIONS, random => {
      let bytes = mutate(blocks[random.below(blocks.length)], random)
      if (random.below(4) > 0) bytes = resealed(bytes)
      const parsed = parseLeadingBlock(bytes)
      if (!parsed.ok) return count(parsed.code)
      count(judge(hashBlock(parsed.value, crypto)))
      // A mutation that keeps to all rules makes another valid block.
      if (chain.tip !== tip) chain.invalidate(chain.tip)
      memory.connect()
      assert.equal(chain.tip, tip)
    })
    assert.deepEqual(await memory.totals(), coins)
    // Evidence that the mutations got everywhere: to parsing, to headers, to contents, to scripts.
    for (const code of ['truncated', 'prev-blk-not-found', 'high-hash', 'bad-txnmrklroot', 'bad-cb-height', 'ok']) {
      assert.ok(codes.has(code), `${code} among ${[...codes.keys()].join(', ')}`)
    }
    assert.ok([...codes.keys()].some(code => code.startsWith('block-script-verify-flag-failed')))
    assert.ok(codes.size > 30, `${codes.size} different answers`)
  })

  test('transactions: nothing is thrown, by no check and no script', () => {
    const { chain } = memory
    const checker = new TransactionSignatureChecker(crypto)
    const corpus: { bytes: Uint8Array; prevouts: { valueSats: number; script: Uint8Array }[] }[] = []
    for (let height = chain.height; height > 100; height--) {
      const block = chain.readBlock(chain.at(height))
      const spent = chain.readSpent(chain.at(height), block)
      const { txs } = block
      for (let tx = 1; tx < txs.txCount; tx++) {
        if (txs.totalSize(tx) > 2000) continue
        const prevouts: { valueSats: number; script: Uint8Array }[] = []
        for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) prevouts.push(spent.coin(input))
        corpus.push({ bytes: txs.txBytes(tx), prevouts })
      }
    }
    assert.ok(corpus.length > 2000)
    const consensus = blockScriptFlags(chain.height, '', params)
    const everything = [...SCRIPT_FLAGS_BY_NAME.values()].reduce((all, flag) => all | flag, 0)
    const flagSets = [0, SCRIPT_VERIFY_P2SH, consensus, everything]
    let parsedCount = 0
    let satisfied = 0
    forSeeds(TRANSACTION_MUTATIONS, random => {
      const { bytes, prevouts } = corpus[random.below(corpus.length)]
      const parsed = parseTransaction(mutate(bytes, random))
      if (!parsed.ok) return
      parsedCount++
      const table = parsed.value
      checkTransaction(table, 0)
      // A changed count of inputs finds coins too: the original's, over and over.
      const coins = Array.from({ length: table.inputCount }, (_, i) => prevouts[i % prevouts.length])
      checker.load(table, Prevouts.of(coins))
      for (let input = 0; input < table.inputCount; input++) {
        for (const flags of flagSets) if (verifyInputWith(checker, 0, input, flags) === undefined) satisfied++
      }
    })
    assert.ok(parsedCount > 1000 && satisfied > 100, `${parsedCount} parsed, ${satisfied} satisfied`)
  })
})
