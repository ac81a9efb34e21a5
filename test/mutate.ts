import { concatBytes } from '../src/base/bytes/bytes.ts'
import type { Random } from '../src/base/ports/random.ts'

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array

/** A range of bytes, short more often than long. */
function range(bytes: Uint8Array, random: Random): [number, number] {
  const start = random.below(bytes.length)
  return [start, Math.min(bytes.length, start + 1 + random.below(1 << random.below(8)))]
}

const MUTATIONS: readonly Mutation[] = [
  function flipBits(bytes, random) {
    const changed = bytes.slice()
    for (let left = 1 + random.below(4); left > 0; left--) changed[random.below(bytes.length)] ^= 1 << random.below(8)
    return changed
  },
  function setByte(bytes, random) {
    const changed = bytes.slice()
    changed[random.below(bytes.length)] = [0, 1, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff][random.below(8)]
    return changed
  },
  (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1)
    return concatBytes(bytes.subarray(0, at), random.bytes(1 + random.below(40)), bytes.subarray(at))
  },
  function remove(bytes, random) {
    const [start, end] = range(bytes, random)
    return concatBytes(bytes.subarray(0, start), bytes.subarray(end))
  },
  function repeat(bytes, random) {
    const [start, end] = range(bytes, random)
    return concatBytes(bytes.subarray(0, end), bytes.subarray(start))
  },
]

/** One random change: bits flipped, bytes set, cut off, inserted, removed or repeated. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.length === 0 ? random.bytes(1) : MUTATIONS[random.below(MUTATIONS.length)](bytes, random)
}
