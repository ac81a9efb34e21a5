/**
 * The tree of block headers as the consensus rules see it. Headers are numbered; -1 stands for none. The block index implements
 * it; tests may do so with a plain list.
 */
export interface HeaderSource {
  height(id: number): number
  /** The parent's number, -1 for the genesis block. */
  previous(id: number): number
  /** The header's ancestor (or itself) at a height of at most its own. */
  ancestor(id: number, height: number): number
  time(id: number): number
  bits(id: number): number
  version(id: number): number
  /** Hash as hex, as people write it. */
  hashHex(id: number): string
}

/** How many headers the median time is taken over (BIP113). */
const MEDIAN_TIME_SPAN = 11

/** BIP113: the median of the times of a header and the ten before it. */
export function medianTimePast(source: HeaderSource, id: number): number {
  const times: number[] = []
  for (let at = id; at >= 0 && times.length < MEDIAN_TIME_SPAN; at = source.previous(at)) times.push(source.time(at))
  times.sort((a, b) => a - b)
  return times[times.length >> 1]
}
