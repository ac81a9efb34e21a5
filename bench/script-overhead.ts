/**
 * What checking an input costs beside the curve itself: every input of fixtures/chain-bench, by kind of coin, with the
 * machine's fastest hashes and a curve that says yes to everything.
 *
 *   node --import tsx bench/script-overhead.ts [--curve] [--shared]
 *
 * With `--curve` the signatures are really checked, and every input must pass. With `--shared` blocks and coins lie in shared
 * memory, as script threads read them.
 */
import type { Crypto } from '../src/base/crypto/backend.ts'
import { parseBlock } from '../src/bitcoin/primitives/block.ts'
import { Prevouts } from '../src/bitcoin/primitives/prevouts.ts'
import type { TxTable } from '../src/bitcoin/primitives/tx-table.ts'
import { MANDATORY_SCRIPT_VERIFY_FLAGS } from '../src/bitcoin/script/flags.ts'
import { solveScript } from '../src/bitcoin/script/standard.ts'
import { TransactionSignatureChecker } from '../src/bitcoin/script/transaction-signature-checker.ts'
import { verifyInputWith } from '../src/bitcoin/script/verify-input.ts'
import { loadCrypto } from '../src/platform/crypto.ts'
import { readSharedBytes, skipWithout } from '../test/shared-data.ts'

const FOLDER = ['fixtures', 'chain-bench'] as const
const FILES = ['blocks-0.dat', 'blocks-1.dat']
const ROUNDS = 5

interface Block {
  readonly table: TxTable
  readonly prevouts: Prevouts
}

/** The blocks of a file, framed by magic and size. */
function* framed(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true)
    yield bytes.subarray(at + 8, at + 8 + size)
    at += 8 + size
  }
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

function loadBlocks(crypto: Crypto, memory: (bytes: Uint8Array) => Uint8Array): Block[] {
  const coins = new Map<string, { valueSats: number; script: Uint8Array }>()
  const key = (txid: Uint8Array, index: number): string => `${Buffer.from(txid).toString('latin1')}${index}`
  const blocks: Block[] = []
  for (const file of FILES) {
    for (const bytes of framed(readSharedBytes(...FOLDER, file))) {
      const parsed = parseBlock(memory(bytes))
      if (!parsed.ok) throw new Error(`block does not parse: ${parsed.code}`)
      const table = parsed.value.txs
      const txids = table.txids(crypto)
      const spent: { valueSats: number; script: Uint8Array }[] = []
      for (let tx = 0; tx < table.txCount; tx++) {
        for (let i = table.inputFirst[tx]; i < table.inputFirst[tx + 1]; i++) {
          const coin = coins.get(key(table.prevoutTxid(i), table.prevoutIndex(i)))
          if (coin === undefined && tx > 0) throw new Error('an input spends nothing')
          spent.push(coin ?? { valueSats: 0, script: new Uint8Array(0) })
        }
        for (let o = table.outputFirst[tx]; o < table.outputFirst[tx + 1]; o++) {
          const name = key(txids.subarray(32 * tx, 32 * tx + 32), o - table.outputFirst[tx])
          coins.set(name, { valueSats: table.outputValue(o), script: table.outputScript(o) })
        }
      }
      const { values, scriptOffset, scriptLength, scripts } = Prevouts.of(spent)
      blocks.push({ table, prevouts: new Prevouts(values, scriptOffset, scriptLength, memory(scripts)) })
    }
  }
  return blocks
}

/** The kind of an input: its coin's, and how it is spent where that differs. */
function kindOf(block: Block, input: number): string {
  const { type } = solveScript(block.prevouts.script(input))
  const items = block.table.witnessItemCount[input]
  if (type === 'witness_v1_taproot') return items === 1 ? 'taproot key path' : 'taproot script path'
  if (type === 'scripthash') return items === 0 ? 'scripthash' : `scripthash, witness of ${items}`
  return type
}

/** All inputs of one kind, as triples of block, transaction and input. */
function inputsByKind(blocks: readonly Block[]): Map<string, number[]> {
  const kinds = new Map<string, number[]>()
  blocks.forEach((block, b) => {
    for (let tx = 1; tx < block.table.txCount; tx++) {
      for (let i = block.table.inputFirst[tx]; i < block.table.inputFirst[tx + 1]; i++) {
        const kind = kindOf(block, i)
        const list = kinds.get(kind) ?? []
        list.push(b, tx, i)
        kinds.set(kind, list)
      }
    }
  })
  return kinds
}

/** Seconds for a list of inputs. */
function run(blocks: readonly Block[], inputs: readonly number[], checker: TransactionSignatureChecker): number {
  let loaded = -1
  const start = process.hrtime.bigint()
  for (let k = 0; k < inputs.length; k += 3) {
    const block = blocks[inputs[k]]
    if (inputs[k] !== loaded) checker.load(block.table, block.prevouts)
    loaded = inputs[k]
    const error = verifyInputWith(checker, inputs[k + 1], inputs[k + 2], MANDATORY_SCRIPT_VERIFY_FLAGS)
    if (error !== undefined) throw new Error(`an input fails: ${error}`)
  }
  return Number(process.hrtime.bigint() - start) / 1e9
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]
}

async function main(): Promise<void> {
  const missing = skipWithout(...FOLDER)
  if (missing) {
    console.log(`skipped: ${missing}`)
    return
  }
  const fastest = await loadCrypto()
  const real = process.argv.includes('--curve')
  let signatures = 0
  const counting = <T extends unknown[]>(check: (...args: T) => boolean) => {
    return (...args: T): boolean => {
      signatures++
      return !real || check(...args)
    }
  }
  const crypto: Crypto = {
    ...fastest,
    verifyEcdsa: counting(fastest.verifyEcdsa),
    verifySchnorr: counting(fastest.verifySchnorr),
    checkTapTweak: (...args) => !real || fastest.checkTapTweak(...args),
  }
  const blocks = loadBlocks(fastest, process.argv.includes('--shared') ? shared : bytes => bytes)
  const checker = new TransactionSignatureChecker(crypto)
  const kinds = inputsByKind(blocks)
  const all: number[] = []
  blocks.forEach((block, b) => {
    for (let tx = 1; tx < block.table.txCount; tx++) {
      for (let i = block.table.inputFirst[tx]; i < block.table.inputFirst[tx + 1]; i++) all.push(b, tx, i)
    }
  })
  kinds.set('all, in block order', all)

  const rounds = real ? 1 : ROUNDS
  console.log(`hashes: ${crypto.hashName}; curve: ${real ? fastest.curveName : 'none'}; median of ${rounds}`)
  for (const [kind, inputs] of [...kinds].sort()) {
    const seconds: number[] = []
    for (let round = 0; round < rounds; round++) {
      signatures = 0
      seconds.push(run(blocks, inputs, checker))
    }
    const count = inputs.length / 3
    const microseconds = (median(seconds) * 1e6) / count
    const perSignature = (median(seconds) * 1e6) / signatures
    console.log(
      `${kind.padEnd(28)} ${`${count}`.padStart(7)} inputs ${microseconds.toFixed(2).padStart(7)} µs each ` +
        `${`${signatures}`.padStart(7)} checks ${perSignature.toFixed(2).padStart(7)} µs each`,
    )
  }
}

await main()
