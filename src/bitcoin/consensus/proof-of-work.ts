import type { NetworkParams } from '../params/network-params.ts'
import type { HeaderSource } from './header-source.ts'

const TWO_256 = 1n << 256n

/** A compact target taken apart, with the two ways in which the form can be nonsense. */
export interface CompactTarget {
  readonly target: bigint
  readonly negative: boolean
  readonly overflow: boolean
}

/** Expands the compact form of a target: a base-256 exponent and a signed 23-bit mantissa. */
export function expandCompact(bits: number): CompactTarget {
  const size = bits >>> 24
  let word = bits & 0x7fffff
  let target: bigint
  if (size <= 3) {
    word >>>= 8 * (3 - size)
    target = BigInt(word)
  } else {
    target = BigInt(word) << BigInt(8 * (size - 3))
  }
  return {
    target: target % TWO_256,
    negative: word !== 0 && (bits & 0x800000) !== 0,
    overflow: word !== 0 && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32)),
  }
}

/** The compact form of a target; the inverse of {@link expandCompact} but for bits that the form cannot hold. */
export function toCompact(target: bigint): number {
  let size = 0
  for (let rest = target; rest > 0n; rest >>= 8n) size++
  let mantissa = size <= 3 ? Number(target) << (8 * (3 - size)) : Number(target >> BigInt(8 * (size - 3)))
  // The sign bit is not ours to use: shift the mantissa out of its way.
  if (mantissa & 0x800000) {
    mantissa >>>= 8
    size++
  }
  return ((size << 24) | mantissa) >>> 0
}

/** The target that `bits` stands for, if it is one that the network allows. */
export function validTarget(bits: number, params: NetworkParams): bigint | undefined {
  const { target, negative, overflow } = expandCompact(bits)
  return negative || overflow || target === 0n || target > params.powLimit ? undefined : target
}

/** A hash (internal order) as the number that is held against a target. */
export function hashToNumber(hash: Uint8Array): bigint {
  let value = 0n
  for (let i = 31; i >= 0; i--) value = (value << 8n) | BigInt(hash[i])
  return value
}

/** A target as 32 little-endian bytes. */
export function targetBytes(target: bigint): Uint8Array {
  const bytes = new Uint8Array(32)
  for (let i = 0, rest = target; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  return bytes
}

/** Whether a header's hash shows the work that its bits claim. */
export function checkProofOfWork(hash: Uint8Array, bits: number, params: NetworkParams): boolean {
  const target = validTarget(bits, params)
  return target !== undefined && hashToNumber(hash) <= target
}

/** The expected number of hashes behind a header: 2^256 / (target + 1). */
export function blockWork(bits: number): bigint {
  const { target, negative, overflow } = expandCompact(bits)
  return negative || overflow || target === 0n ? 0n : TWO_256 / (target + 1n)
}

/** Bits that a block on top of `last` must have; `time` is its own, which matters on testnets only. */
export function nextWorkRequired(source: HeaderSource, last: number, time: number, params: NetworkParams): number {
  const height = source.height(last) + 1
  if (height % params.retargetInterval !== 0) {
    if (!params.allowMinDifficultyBlocks) return source.bits(last)
    const lowest = toCompact(params.powLimit)
    if (time > source.time(last) + 2 * params.targetSpacingSeconds) return lowest
    let at = last
    while (
      source.previous(at) >= 0 &&
      source.height(at) % params.retargetInterval !== 0 &&
      source.bits(at) === lowest
    ) {
      at = source.previous(at)
    }
    return source.bits(at)
  }
  const first = source.ancestor(last, height - params.retargetInterval)
  return retarget(source, first, last, params)
}

/** The new bits after the period from `first` to `last`, at most four times up or down. */
function retarget(source: HeaderSource, first: number, last: number, params: NetworkParams): number {
  if (params.noRetargeting) return source.bits(last)
  const wanted = params.targetTimespanSeconds
  const least = Math.floor(wanted / 4)
  const actual = Math.min(Math.max(source.time(last) - source.time(first), least), wanted * 4)
  // BIP94: a period's first block always has the true difficulty, for the testnet exception does not reach it.
  const base = expandCompact(source.bits(params.enforceBip94 ? first : last)).target
  const target = ((base * BigInt(actual)) % TWO_256) / BigInt(wanted)
  return toCompact(target > params.powLimit ? params.powLimit : target)
}

/**
 * Whether the bits of two headers in a row could both be right, whatever the times in between: what can be said of a chain of which
 * nothing is stored.
 *
 * @param height that of the later header
 */
export function permittedDifficultyTransition(
  height: number,
  before: number,
  after: number,
  params: NetworkParams,
): boolean {
  if (params.allowMinDifficultyBlocks) return true
  if (height % params.retargetInterval !== 0) return before === after
  const span = BigInt(params.targetTimespanSeconds)
  const base = expandCompact(before).target
  const bound = (seconds: bigint): bigint => {
    const target = (base * seconds) / span
    return expandCompact(toCompact(target > params.powLimit ? params.powLimit : target)).target
  }
  const target = expandCompact(after).target
  return target <= bound(span * 4n) && target >= bound(span / 4n)
}

/** Seconds that the work between two points would take at the difficulty of `tip`; negative if `to` has less work than `from`. */
export function equivalentTimeSeconds(
  fromWork: bigint,
  toWork: bigint,
  tipBits: number,
  params: NetworkParams,
): number {
  const tipWork = blockWork(tipBits)
  if (tipWork === 0n) return 0
  return Number(((toWork - fromWork) * BigInt(params.targetSpacingSeconds)) / tipWork)
}

/** How many times harder than the easiest main-network target a header is, as people quote it. */
export function difficulty(bits: number): number {
  let shift = (bits >>> 24) & 0xff
  let value = 0x0000ffff / (bits & 0x00ffffff)
  for (; shift < 29; shift++) value *= 256
  for (; shift > 29; shift--) value /= 256
  return value
}
