import { ByteWriter } from '../../base/bytes/writer.ts'
import type { Crypto } from '../../base/crypto/backend.ts'
import type { Prevouts } from '../primitives/prevouts.ts'
import type { TxTable } from '../primitives/tx-table.ts'

/** The parts of a transaction that signatures commit to by their hash (BIP143, BIP341). */
export const PREVOUTS = 0
export const SEQUENCES = 1
export const OUTPUTS = 2
export const AMOUNTS = 3
export const SCRIPTS = 4

const PART_COUNT = 5

/** Parts that BIP143 commits to. */
const DOUBLE_PART_COUNT = 3
/** Up to this many inputs the three of them are hashed in one call, without being copied together first. */
const GATHERED_INPUTS_MAX = 16

type Part = typeof PREVOUTS | typeof SEQUENCES | typeof OUTPUTS | typeof AMOUNTS | typeof SCRIPTS

/** Bytes of an input in a legacy preimage whose script is blank: outpoint, length zero, sequence. */
export const BLANK_INPUT_SIZE = 41

/**
 * One transaction of a table, the input whose signatures are being checked, and the hashes that all inputs share: each is
 * computed when first asked for and kept until another transaction is selected, so that no hashing is quadratic.
 */
export class TransactionHashes {
  readonly crypto: Crypto
  table!: TxTable
  prevouts!: Prevouts
  tx = -1
  /** The selected input, numbered through the table. */
  input = -1
  /** The same, numbered within its transaction. */
  inputIndex = -1
  /** Scratch for preimages. */
  readonly writer = new ByteWriter(4096)

  // Larger than what V8 keeps inside its own heap, so that native code writes in place.
  readonly #memory = new Uint8Array(32 * (2 * PART_COUNT + 1))
  readonly #hashes: Uint8Array[] = []
  /** Bits of the hashes that are there: single ones from 0 on, double ones from PART_COUNT on. */
  #ready = 0
  /** The double hashes, one after the other. */
  readonly #doubles: Uint8Array
  /** Ranges of the bytes to be hashed, by number of inputs. */
  readonly #ranges: Uint32Array[] = []
  readonly #outputHash: Uint8Array
  #outputHashReady = false
  readonly #blankInputs = new ByteWriter(1024)
  /** Which blank inputs are there: -1 none, 0 those with their sequences, 1 those with sequences of zero. */
  #blankKind = -1

  constructor(crypto: Crypto) {
    this.crypto = crypto
    for (let i = 0; i < 2 * PART_COUNT; i++) this.#hashes.push(this.#memory.subarray(32 * i, 32 * i + 32))
    this.#doubles = this.#memory.subarray(32 * PART_COUNT, 32 * (PART_COUNT + DOUBLE_PART_COUNT))
    this.#outputHash = this.#memory.subarray(64 * PART_COUNT, 64 * PART_COUNT + 32)
  }

  /** Turns to another table; its prevouts must be filled in for every input that will be selected, and its transaction. */
  load(table: TxTable, prevouts: Prevouts): void {
    this.table = table
    this.prevouts = prevouts
    this.tx = -1
  }

  /** Turns to an input of transaction `tx`, numbered through the table. */
  select(tx: number, input: number): void {
    this.input = input
    this.inputIndex = input - this.table.inputFirst[tx]
    this.#outputHashReady = false
    if (tx === this.tx) return
    this.tx = tx
    this.#ready = 0
    this.#blankKind = -1
  }

  /** SHA-256 of a part, as BIP341 commits to it. */
  single(part: Part): Uint8Array {
    const hash = this.#hashes[part]
    const bit = 1 << part
    if ((this.#ready & bit) === 0) {
      this.crypto.sha256(this.#serialize(part), hash)
      this.#ready |= bit
    }
    return hash
  }

  /** Double SHA-256 of a part, as BIP143 commits to it. */
  double(part: Part): Uint8Array {
    const hash = this.#hashes[PART_COUNT + part]
    const bit = 1 << (PART_COUNT + part)
    if ((this.#ready & bit) !== 0) return hash
    if (this.table.inputCountOf(this.tx) <= GATHERED_INPUTS_MAX) {
      this.#gatherDoubles()
      this.#ready |= ((1 << DOUBLE_PART_COUNT) - 1) << PART_COUNT
    } else {
      this.crypto.sha256d(this.#serialize(part), hash)
      this.#ready |= bit
    }
    return hash
  }

  /** All double hashes of a transaction with few inputs, straight from its bytes. */
  #gatherDoubles(): void {
    const { table, tx } = this
    const first = table.inputFirst[tx]
    const count = table.inputFirst[tx + 1] - first
    const stride = 2 * count
    const ranges = (this.#ranges[count] ??= new Uint32Array(DOUBLE_PART_COUNT * stride))
    for (let i = 0; i < count; i++) {
      const at = table.inputOffset[first + i]
      const sequenceAt = table.inputScriptOffset[first + i] + table.inputScriptLength[first + i]
      ranges[2 * i] = at
      ranges[2 * i + 1] = at + 36
      ranges[stride + 2 * i] = sequenceAt
      ranges[stride + 2 * i + 1] = sequenceAt + 4
    }
    const firstOutput = table.outputFirst[tx]
    const behind = table.outputFirst[tx + 1]
    ranges[2 * stride] = firstOutput === behind ? 0 : table.outputOffset[firstOutput]
    ranges[2 * stride + 1] = firstOutput === behind ? 0 : this.outputEnd(behind - 1)
    this.crypto.sha256dGather(table.bytes, ranges, count, this.#doubles)
  }

  /** SHA-256 of the output with the selected input's index, which must exist. */
  outputAtIndex(): Uint8Array {
    if (!this.#outputHashReady) {
      const { table } = this
      const output = table.outputFirst[this.tx] + this.inputIndex
      this.crypto.sha256(table.bytes.subarray(table.outputOffset[output], this.outputEnd(output)), this.#outputHash)
      this.#outputHashReady = true
    }
    return this.#outputHash
  }

  /** Where an output, numbered through the table, ends. */
  outputEnd(output: number): number {
    return this.table.outputScriptOffset[output] + this.table.outputScriptLength[output]
  }

  /** All inputs with blank scripts, {@link BLANK_INPUT_SIZE} bytes each, their sequences kept or zero; a view, for reading. */
  blankInputs(zeroSequences: boolean): Uint8Array {
    const kind = zeroSequences ? 1 : 0
    const writer = this.#blankInputs
    if (this.#blankKind !== kind) {
      const { table } = this
      writer.reset()
      for (let i = table.inputFirst[this.tx]; i < table.inputFirst[this.tx + 1]; i++) {
        const at = table.inputOffset[i]
        writer.range(table.bytes, at, at + 36).u8(0)
        if (zeroSequences) writer.u32(0)
        else this.#writeSequence(writer, i)
      }
      this.#blankKind = kind
    }
    return writer.view()
  }

  #writeSequence(writer: ByteWriter, input: number): void {
    const { table } = this
    const at = table.inputScriptOffset[input] + table.inputScriptLength[input]
    writer.range(table.bytes, at, at + 4)
  }

  #serialize(part: Part): Uint8Array {
    const { table, prevouts, tx } = this
    if (part === OUTPUTS) {
      const first = table.outputFirst[tx]
      const behind = table.outputFirst[tx + 1]
      if (first === behind) return table.bytes.subarray(0, 0)
      return table.bytes.subarray(table.outputOffset[first], this.outputEnd(behind - 1))
    }
    const writer = this.writer.reset()
    const behind = table.inputFirst[tx + 1]
    for (let i = table.inputFirst[tx]; i < behind; i++) {
      if (part === PREVOUTS) writer.range(table.bytes, table.inputOffset[i], table.inputOffset[i] + 36)
      else if (part === SEQUENCES) this.#writeSequence(writer, i)
      else if (part === AMOUNTS) writer.u64Number(prevouts.values[i])
      else this.writeSpentScript(writer, i)
    }
    return writer.view()
  }

  /** Writes the script of the coin that an input spends, with its length. */
  writeSpentScript(writer: ByteWriter, input: number): void {
    const { scripts, scriptOffset, scriptLength } = this.prevouts
    const at = scriptOffset[input]
    writer.compactSize(scriptLength[input]).range(scripts, at, at + scriptLength[input])
  }
}
