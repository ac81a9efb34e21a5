/** Satoshi in one bitcoin. */
export const COIN = 100_000_000

/** No valid amount, nor sum of amounts, exceeds 21 million bitcoin; exact in a double. */
export const MAX_MONEY = 21_000_000 * COIN

export function isMoneyRange(valueSats: number): boolean {
  return valueSats >= 0 && valueSats <= MAX_MONEY
}
