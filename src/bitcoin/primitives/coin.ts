/** An unspent output. */
export interface Coin {
  readonly valueSats: number
  readonly script: Uint8Array
  /** Height of the block that made it. */
  readonly height: number
  readonly coinbase: boolean
}

/** Height and coinbase in one number, as Core's files have them. */
export function coinCode(height: number, coinbase: boolean): number {
  return height * 2 + (coinbase ? 1 : 0)
}

export function heightOfCode(code: number): number {
  return code >>> 1
}

export function isCoinbaseCode(code: number): boolean {
  return (code & 1) === 1
}
