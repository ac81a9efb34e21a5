/**
 * The coins that the inputs of a TxTable spend, as columns in the same numbering. All of it may lie in shared memory, so that
 * script threads read it in place. A coinbase input has an entry too (value 0, empty script).
 */
export class Prevouts {
  /** Satoshi; exact, for no valid coin exceeds 2^53. */
  readonly values: Float64Array
  readonly scriptOffset: Uint32Array
  readonly scriptLength: Uint32Array
  /** The scripts, at those offsets. */
  readonly scripts: Uint8Array

  constructor(values: Float64Array, scriptOffset: Uint32Array, scriptLength: Uint32Array, scripts: Uint8Array) {
    this.values = values
    this.scriptOffset = scriptOffset
    this.scriptLength = scriptLength
    this.scripts = scripts
  }

  /** From a plain list, for tests, wallets and single transactions. */
  static of(coins: readonly { valueSats: number; script: Uint8Array }[]): Prevouts {
    const values = new Float64Array(coins.length)
    const scriptOffset = new Uint32Array(coins.length)
    const scriptLength = new Uint32Array(coins.length)
    const scripts = new Uint8Array(coins.reduce((sum, coin) => sum + coin.script.length, 0))
    let at = 0
    for (let i = 0; i < coins.length; i++) {
      values[i] = coins[i].valueSats
      scriptOffset[i] = at
      scriptLength[i] = coins[i].script.length
      scripts.set(coins[i].script, at)
      at += coins[i].script.length
    }
    return new Prevouts(values, scriptOffset, scriptLength, scripts)
  }

  /** The script that input `input` must satisfy; a view. */
  script(input: number): Uint8Array {
    const at = this.scriptOffset[input]
    return this.scripts.subarray(at, at + this.scriptLength[input])
  }
}
