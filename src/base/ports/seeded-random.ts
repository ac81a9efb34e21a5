import type { Random } from './random.ts'

/** A stream of numbers that a seed repeats (splitmix32), for tests and the simulator, where luck must be told again. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x9e37_79b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85eb_ca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
  return {
    bytes(length) {
      const bytes = new Uint8Array(length)
      for (let i = 0; i < length; i++) bytes[i] = next() & 255
      return bytes
    },
    below: bound => Math.floor((next() / 2 ** 32) * bound),
    u64: () => (BigInt(next()) << 32n) | BigInt(next()),
  }
}
