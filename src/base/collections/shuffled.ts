import type { Random } from '../ports/random.ts'

/** The items in a random order, all orders equally likely (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const drawn = random.below(last + 1)
    const item = result[drawn]
    result[drawn] = result[last]
    result[last] = item
  }
  return result
}
