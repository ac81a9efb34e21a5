import type { Coin } from '../primitives/coin.ts'
import { heightOfCode, isCoinbaseCode } from '../primitives/coin.ts'
import { Prevouts } from '../primitives/prevouts.ts'

/** A guess at the average script, to be exceeded by growing. */
const SCRIPT_BYTES_GUESS = 40

/** Where columns live; a shared buffer lets script threads read them. */
export type Allocate = (byteLength: number) => ArrayBufferLike

/**
 * The coins that a block's inputs spend, in the order of its TxTable's inputs: what script checks need, what undo data keeps, and
 * what takes the block back. Entries of the coinbase stay empty.
 */
export class SpentCoins {
  readonly values: Float64Array
  readonly codes: Uint32Array
  readonly scriptOffset: Uint32Array
  readonly scriptLength: Uint32Array
  readonly #allocate: Allocate
  #scripts: Uint8Array
  #used = 0

  constructor(inputCount: number, allocate: Allocate = length => new ArrayBuffer(length)) {
    this.#allocate = allocate
    const columns = allocate(20 * inputCount)
    this.values = new Float64Array(columns, 0, inputCount)
    this.codes = new Uint32Array(columns, 8 * inputCount, inputCount)
    this.scriptOffset = new Uint32Array(columns, 12 * inputCount, inputCount)
    this.scriptLength = new Uint32Array(columns, 16 * inputCount, inputCount)
    this.#scripts = new Uint8Array(allocate(SCRIPT_BYTES_GUESS * inputCount + 64))
  }

  /** Records the coin of an input; the script is `length` bytes of `source` from `start` on. */
  set(input: number, valueSats: number, code: number, source: Uint8Array, start: number, length: number): void {
    if (this.#used + length > this.#scripts.length) {
      const grown = new Uint8Array(this.#allocate(2 * this.#scripts.length + length))
      grown.set(this.#scripts.subarray(0, this.#used))
      this.#scripts = grown
    }
    this.values[input] = valueSats
    this.codes[input] = code
    this.scriptOffset[input] = this.#used
    this.scriptLength[input] = length
    const target = this.#scripts
    for (let i = 0, to = this.#used; i < length; i++) target[to++] = source[start + i]
    this.#used += length
  }

  /** The scripts, at their offsets; replaced by a longer array as they grow. */
  get scriptBytes(): Uint8Array {
    return this.#scripts
  }

  get inputCount(): number {
    return this.values.length
  }

  script(input: number): Uint8Array {
    const at = this.scriptOffset[input]
    return this.#scripts.subarray(at, at + this.scriptLength[input])
  }

  coin(input: number): Coin {
    const code = this.codes[input]
    return {
      valueSats: this.values[input],
      script: this.script(input),
      height: heightOfCode(code),
      coinbase: isCoinbaseCode(code),
    }
  }

  /** The same columns as script checks read them; valid once nothing more is recorded. */
  prevouts(): Prevouts {
    return new Prevouts(this.values, this.scriptOffset, this.scriptLength, this.#scripts)
  }
}
