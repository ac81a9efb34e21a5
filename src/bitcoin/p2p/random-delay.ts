import type { Random } from '../../base/ports/random.ts'

/** A delay that is exponentially spread around a mean: when it ends tells nothing about when it began. */
export function randomDelayMs(random: Random, meanMs: number): number {
  return -Math.log((random.below(2 ** 32) + 1) / 2 ** 32) * meanMs
}
