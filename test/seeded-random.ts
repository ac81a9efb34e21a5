/** Numbers in [0, 1) that a seed repeats (xorshift32); for choices of tests, never for secrets. */
export function seededRandom(seed: number): () => number {
  let state = (seed >>> 0) ^ 0x9e37_79b9 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
}
