import { ByteReader } from '../../base/bytes/reader.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'

/** Core's MAX_SIZE: no count or length in a serialised record may exceed it. */
export const MAX_SIZE = 0x0200_0000

const TX_WORDS = 4
const INPUT_WORDS = 5
const OUTPUT_WORDS = 3

/** What a {@link TxTable} is made of; plain data, so that it crosses threads (both buffers may be shared). */
export interface TxTableParts {
  readonly bytes: Uint8Array
  readonly words: Uint32Array
  readonly txCount: number
  readonly inputCount: number
  readonly outputCount: number
}

/**
 * One or more consecutive transactions in a buffer, as columns of offsets: no object per transaction, input or output.
 * Transactions are numbered from 0; inputs and outputs are numbered through the whole table, those of transaction `t` being
 * `inputFirst[t]` up to `inputFirst[t + 1]` (likewise outputs). All offsets count from the start of `bytes`.
 *
 * @example
 * const table = parseTransactions(bytes, 0, 1).value
 * for (let o = table.outputFirst[0]; o < table.outputFirst[1]; o++) total += table.outputValue(o)
 */
export class TxTable implements TxTableParts {
  readonly bytes: Uint8Array
  readonly words: Uint32Array
  readonly txCount: number
  readonly inputCount: number
  readonly outputCount: number

  /** Where each transaction starts; the entry after the last one is where the last one ends. */
  readonly txOffset: Uint32Array
  /** Where each transaction's witness section starts, 0 where it has none. */
  readonly witnessStart: Uint32Array
  readonly inputFirst: Uint32Array
  readonly outputFirst: Uint32Array

  /** Where each input starts: 32 bytes of txid, 4 of output index. */
  readonly inputOffset: Uint32Array
  readonly inputScriptOffset: Uint32Array
  readonly inputScriptLength: Uint32Array
  /** Where each input's first witness item (its length) starts; meaningless where there are no items. */
  readonly witnessOffset: Uint32Array
  readonly witnessItemCount: Uint32Array

  /** Where each output starts: 8 bytes of value. */
  readonly outputOffset: Uint32Array
  readonly outputScriptOffset: Uint32Array
  readonly outputScriptLength: Uint32Array

  constructor(parts: TxTableParts) {
    const { bytes, words, txCount, inputCount, outputCount } = parts
    this.bytes = bytes
    this.words = words
    this.txCount = txCount
    this.inputCount = inputCount
    this.outputCount = outputCount
    let at = 0
    const column = (length: number): Uint32Array => words.subarray(at, (at += length))
    this.txOffset = column(txCount + 1)
    this.witnessStart = column(txCount + 1)
    this.inputFirst = column(txCount + 1)
    this.outputFirst = column(txCount + 1)
    this.inputOffset = column(inputCount)
    this.inputScriptOffset = column(inputCount)
    this.inputScriptLength = column(inputCount)
    this.witnessOffset = column(inputCount)
    this.witnessItemCount = column(inputCount)
    this.outputOffset = column(outputCount)
    this.outputScriptOffset = column(outputCount)
    this.outputScriptLength = column(outputCount)
  }

  #u32(at: number): number {
    const b = this.bytes
    return (b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24)) >>> 0
  }

  /** Where the last transaction ends. */
  get end(): number {
    return this.txOffset[this.txCount]
  }

  /** The version as the unsigned number that it is on the wire. */
  version(tx: number): number {
    return this.#u32(this.txOffset[tx])
  }

  lockTime(tx: number): number {
    return this.#u32(this.txOffset[tx + 1] - 4)
  }

  hasWitness(tx: number): boolean {
    return this.witnessStart[tx] !== 0
  }

  /** The whole serialised transaction, with its witness; a view. */
  txBytes(tx: number): Uint8Array {
    return this.bytes.subarray(this.txOffset[tx], this.txOffset[tx + 1])
  }

  /** Serialised size in bytes with witness. */
  totalSize(tx: number): number {
    return this.txOffset[tx + 1] - this.txOffset[tx]
  }

  /** Serialised size in bytes without marker, flag and witness. */
  baseSize(tx: number): number {
    const witnessStart = this.witnessStart[tx]
    return witnessStart === 0 ? this.totalSize(tx) : witnessStart - this.txOffset[tx] + 2
  }

  /** BIP141: three times the base size plus the total size. */
  weight(tx: number): number {
    return 3 * this.baseSize(tx) + this.totalSize(tx)
  }

  inputCountOf(tx: number): number {
    return this.inputFirst[tx + 1] - this.inputFirst[tx]
  }

  outputCountOf(tx: number): number {
    return this.outputFirst[tx + 1] - this.outputFirst[tx]
  }

  /** The 36 bytes of an input's outpoint: txid, then index; a view. */
  outpoint(input: number): Uint8Array {
    const at = this.inputOffset[input]
    return this.bytes.subarray(at, at + 36)
  }

  prevoutTxid(input: number): Uint8Array {
    const at = this.inputOffset[input]
    return this.bytes.subarray(at, at + 32)
  }

  prevoutIndex(input: number): number {
    return this.#u32(this.inputOffset[input] + 32)
  }

  scriptSig(input: number): Uint8Array {
    const at = this.inputScriptOffset[input]
    return this.bytes.subarray(at, at + this.inputScriptLength[input])
  }

  sequence(input: number): number {
    return this.#u32(this.inputScriptOffset[input] + this.inputScriptLength[input])
  }

  /** The input's witness items, views in order. */
  witness(input: number): Uint8Array[] {
    const count = this.witnessItemCount[input]
    const items: Uint8Array[] = []
    if (count === 0) return items
    const reader = new ByteReader(this.bytes, this.witnessOffset[input])
    for (let i = 0; i < count; i++) items.push(reader.bytes(reader.compactSize()))
    return items
  }

  /** An output's value in satoshi: exact within the safe integers, and beyond them still on the right side of every limit. */
  outputValue(output: number): number {
    const at = this.outputOffset[output]
    const high = this.#u32(at + 4) | 0
    return high * 0x1_0000_0000 + this.#u32(at)
  }

  outputScript(output: number): Uint8Array {
    const at = this.outputScriptOffset[output]
    return this.bytes.subarray(at, at + this.outputScriptLength[output])
  }

  /** Whether the transaction is a coinbase: one input, spending the null outpoint. */
  isCoinbase(tx: number): boolean {
    return this.inputCountOf(tx) === 1 && this.isNullOutpoint(this.inputFirst[tx])
  }

  isNullOutpoint(input: number): boolean {
    const at = this.inputOffset[input]
    for (let i = 0; i < 32; i++) if (this.bytes[at + i] !== 0) return false
    return this.#u32(at + 32) === 0xffff_ffff
  }

  /** All txids, 32 bytes each in internal byte order, hashed in one batch. */
  txids(crypto: Crypto, out: Uint8Array = new Uint8Array(32 * this.txCount)): Uint8Array {
    const ranges = new Uint32Array(6 * this.txCount)
    for (let tx = 0; tx < this.txCount; tx++) {
      const start = this.txOffset[tx]
      const end = this.txOffset[tx + 1]
      const witnessStart = this.witnessStart[tx]
      const at = 6 * tx
      ranges[at] = start
      if (witnessStart === 0) {
        ranges[at + 1] = end
        continue
      }
      ranges[at + 1] = start + 4
      ranges[at + 2] = start + 6
      ranges[at + 3] = witnessStart
      ranges[at + 4] = end - 4
      ranges[at + 5] = end
    }
    crypto.sha256dGather(this.bytes, ranges, 3, out)
    return out
  }

  /** All wtxids, 32 bytes each, hashed in one batch; the coinbase's too (BIP141 counts it as zero: the caller's affair). */
  wtxids(crypto: Crypto, out: Uint8Array = new Uint8Array(32 * this.txCount)): Uint8Array {
    const ranges = new Uint32Array(2 * this.txCount)
    for (let tx = 0; tx < this.txCount; tx++) {
      ranges[2 * tx] = this.txOffset[tx]
      ranges[2 * tx + 1] = this.txOffset[tx + 1]
    }
    crypto.sha256dGather(this.bytes, ranges, 1, out)
    return out
  }
}

/** A growing column of numbers: what a parse collects before it knows how much there is. */
class Column {
  data = new Uint32Array(96)
  length = 0

  push3(a: number, b: number, c: number): void {
    if (this.length + 3 > this.data.length) this.#grow()
    this.data[this.length++] = a
    this.data[this.length++] = b
    this.data[this.length++] = c
  }

  push1(a: number): void {
    if (this.length === this.data.length) this.#grow()
    this.data[this.length++] = a
  }

  #grow(): void {
    const grown = new Uint32Array(this.data.length * 2)
    grown.set(this.data)
    this.data = grown
  }
}

/** Options of {@link parseTransactions}. */
export interface ParseOptions {
  /** Whether the BIP144 form with marker, flag and witness is understood; true unless said. */
  readonly allowWitness?: boolean
  /** Where the parsed columns are to live; a SharedArrayBuffer of the right size lets other threads read them. */
  readonly allocate?: (byteLength: number) => ArrayBufferLike
}

/** The outcome of a parse: the table, and the offset of the first byte behind the last transaction. */
export interface ParsedTransactions {
  readonly table: TxTable
  readonly end: number
}

/**
 * Parses `count` consecutive transactions at `start`. Rejects with `truncated`, `non-canonical-size`, `size-too-large`,
 * `superfluous-witness` or `unknown-transaction-data`. Memory stays proportional to the bytes really present, whatever counts they claim.
 */
export function parseTransactions(
  bytes: Uint8Array,
  start: number,
  count: number,
  options: ParseOptions = {},
): Verdict<ParsedTransactions> {
  const allowWitness = options.allowWitness ?? true
  const allocate = options.allocate ?? (length => new ArrayBuffer(length))
  const reader = new ByteReader(bytes, start)
  const txs = new Column()
  const inputs = new Column()
  const witnesses = new Column()
  const outputs = new Column()

  const readInputs = (claimed: number): void => {
    for (let i = 0; i < claimed && reader.failure === undefined; i++) {
      const at = reader.position
      reader.skip(36)
      const length = reader.compactSize(MAX_SIZE)
      inputs.push3(at, reader.position, length)
      reader.skip(length)
      reader.skip(4)
    }
  }

  for (let tx = 0; tx < count; tx++) {
    txs.push3(reader.position, inputs.length / 3, outputs.length / 3)
    const firstInput = inputs.length / 3
    reader.skip(4)
    let claimed = reader.compactSize(MAX_SIZE)
    let flags = 0
    let readOutputs = true
    if (claimed === 0 && allowWitness) {
      flags = reader.u8()
      if (flags !== 0) claimed = reader.compactSize(MAX_SIZE)
      else readOutputs = false
    }
    readInputs(claimed)
    if (readOutputs) {
      const claimedOutputs = reader.compactSize(MAX_SIZE)
      for (let i = 0; i < claimedOutputs && reader.failure === undefined; i++) {
        const at = reader.position
        reader.skip(8)
        const length = reader.compactSize(MAX_SIZE)
        outputs.push3(at, reader.position, length)
        reader.skip(length)
      }
    }
    const inputCount = inputs.length / 3 - firstInput
    let witnessStart = 0
    let superfluous = false
    if (flags & 1) {
      witnessStart = reader.position
      superfluous = true
      for (let i = 0; i < inputCount && reader.failure === undefined; i++) {
        const items = reader.compactSize(MAX_SIZE)
        witnesses.push1(reader.position)
        witnesses.push1(items)
        if (items > 0) superfluous = false
        for (let k = 0; k < items && reader.failure === undefined; k++) reader.skip(reader.compactSize(MAX_SIZE))
      }
    } else {
      for (let i = 0; i < inputCount; i++) {
        witnesses.push1(0)
        witnesses.push1(0)
      }
    }
    txs.push1(witnessStart)
    reader.skip(4)
    if (reader.failure !== undefined) return reject(reader.failure)
    if (superfluous) return reject('superfluous-witness')
    if (flags & ~1) return reject('unknown-transaction-data')
  }

  const inputCount = inputs.length / 3
  const outputCount = outputs.length / 3
  const wordCount = TX_WORDS * (count + 1) + INPUT_WORDS * inputCount + OUTPUT_WORDS * outputCount
  const words = new Uint32Array(allocate(4 * wordCount), 0, wordCount)
  const table = new TxTable({ bytes, words, txCount: count, inputCount, outputCount })
  for (let tx = 0; tx < count; tx++) {
    table.txOffset[tx] = txs.data[4 * tx]
    table.inputFirst[tx] = txs.data[4 * tx + 1]
    table.outputFirst[tx] = txs.data[4 * tx + 2]
    table.witnessStart[tx] = txs.data[4 * tx + 3]
  }
  table.txOffset[count] = reader.position
  table.inputFirst[count] = inputCount
  table.outputFirst[count] = outputCount
  for (let i = 0; i < inputCount; i++) {
    table.inputOffset[i] = inputs.data[3 * i]
    table.inputScriptOffset[i] = inputs.data[3 * i + 1]
    table.inputScriptLength[i] = inputs.data[3 * i + 2]
    table.witnessOffset[i] = witnesses.data[2 * i]
    table.witnessItemCount[i] = witnesses.data[2 * i + 1]
  }
  for (let o = 0; o < outputCount; o++) {
    table.outputOffset[o] = outputs.data[3 * o]
    table.outputScriptOffset[o] = outputs.data[3 * o + 1]
    table.outputScriptLength[o] = outputs.data[3 * o + 2]
  }
  return accept({ table, end: reader.position })
}

/** Parses bytes that are exactly one transaction; rejects with `trailing-data` where more follows. */
export function parseTransaction(bytes: Uint8Array, options: ParseOptions = {}): Verdict<TxTable> {
  const parsed = parseTransactions(bytes, 0, 1, options)
  if (!parsed.ok) return parsed
  return parsed.value.end === bytes.length ? accept(parsed.value.table) : reject('trailing-data')
}
