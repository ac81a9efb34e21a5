import { equalBytes } from '../../base/bytes/bytes.ts'
import { SipHash } from '../../base/crypto/siphash.ts'
import type { Random } from '../../base/ports/random.ts'
import { blockWork, permittedDifficultyTransition } from '../consensus/proof-of-work.ts'
import type { NetworkParams } from '../params/network-params.ts'
import { HEADER_SIZE } from '../primitives/block.ts'

/** By the rule of median times, no honest chain grows faster than this for long. */
const BLOCKS_PER_SECOND_MAX = 6
/** Fields of a packed header. */
const PREVIOUS_AT = 4
const BITS_AT = 72

/** Bits in a row, first in, first out. */
class BitQueue {
  #words = new Uint32Array(8)
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  push(bit: number): void {
    if (this.#end === 32 * this.#words.length) {
      const longer = new Uint32Array(2 * this.#words.length)
      longer.set(this.#words)
      this.#words = longer
    }
    this.#words[this.#end >>> 5] |= bit << (this.#end & 31)
    this.#end++
  }

  shift(): number {
    const bit = (this.#words[this.#start >>> 5] >>> (this.#start & 31)) & 1
    this.#start++
    return bit
  }
}

/** Where a chain of headers is known to start. */
export interface PresyncStart {
  readonly height: number
  /** Its hash, in internal byte order, and further ones as in a locator. */
  readonly locator: readonly Uint8Array[]
  readonly bits: number
  readonly work: bigint
  /** BIP113 */
  readonly medianTime: number
}

export interface PresyncOptions {
  readonly params: NetworkParams
  readonly start: PresyncStart
  /** What the chain must show before any of it is stored. */
  readonly minimumWork: bigint
  readonly nowSeconds: number
  readonly random: Random
  readonly log: (message: () => string) => void
  /** How the log names the peer: its number. */
  readonly peer: number
}

/** What became of a batch of headers. */
export interface PresyncResult {
  /** False where the peer's answers do not fit together; the sync is over then. */
  readonly ok: boolean
  readonly requestMore: boolean
  /** Packed headers whose chain has shown its work: they may be stored. */
  readonly ready: Uint8Array
}

const NOTHING = new Uint8Array(0)

/**
 * A peer's chain of headers that does not show enough work yet. Storing it would let anybody fill our memory with headers of no
 * difficulty, so it is fetched twice, as Core does it: first (`presync`) only its work is added up, and of every so many headers one
 * secret bit is kept; once the work is enough, the same headers are fetched again (`redownload`) and released when enough bits behind
 * them have been found right.
 */
export class HeadersPresync {
  readonly #options: PresyncOptions
  readonly #hash: SipHash
  readonly #period: number
  readonly #offset: number
  readonly #commitments = new BitQueue()
  readonly #commitmentsMax: number
  #stage: 'presync' | 'redownload' | 'done' = 'presync'
  #height: number
  #work: bigint
  #lastHash: Uint8Array
  #lastBits: number
  #lastTime = 0
  /** Headers fetched again, in order, that wait for the bits behind them. */
  #held: Uint8Array[] = []
  #releaseAll = false

  constructor(options: PresyncOptions) {
    const { params, start, random, nowSeconds, minimumWork, log, peer } = options
    this.#options = options
    this.#hash = new SipHash(random.u64(), random.u64())
    this.#period = params.headersSync.commitmentPeriod
    this.#offset = random.below(this.#period)
    const seconds = nowSeconds - start.medianTime + 2 * 60 * 60
    this.#commitmentsMax = Math.floor((BLOCKS_PER_SECOND_MAX * Math.max(seconds, 0)) / this.#period)
    this.#height = start.height
    this.#work = start.work
    this.#lastHash = start.locator[0]
    this.#lastBits = start.bits
    log(() => {
      const work = minimumWork.toString(16).padStart(64, '0')
      const { height } = start
      return `Initial headers sync started with peer=${peer}: height=${height}, max_commitments=${this.#commitmentsMax}, min_work=${work}`
    })
  }

  /** Whether the work is being added up still, how far, and how much it is: for those who wait. */
  get progress(): { readonly height: number; readonly timeSeconds: number; readonly work: bigint } | undefined {
    if (this.#stage !== 'presync') return undefined
    return { height: this.#height, timeSeconds: this.#lastTime, work: this.#work }
  }

  get isDone(): boolean {
    return this.#stage === 'done'
  }

  /** What the peer is to be asked with next. */
  get nextLocator(): readonly Uint8Array[] {
    return [this.#lastHash, ...this.#options.start.locator]
  }

  /**
   * @param headers packed, not empty; each has the work that it claims, and follows on the one before it
   * @param hashes 32 bytes each
   * @param full whether the message was as long as can be, so that there may be more
   */
  process(headers: Uint8Array, hashes: Uint8Array, full: boolean): PresyncResult {
    const result =
      this.#stage === 'presync' ? this.#presync(headers, hashes, full) : this.#redownload(headers, hashes, full)
    if (!result.ok || !result.requestMore) this.#finish()
    return result
  }

  #finish(): void {
    this.#stage = 'done'
    this.#held = []
  }

  #abort(why: string, height: number): PresyncResult {
    const phase = this.#stage
    this.#options.log(
      () => `Initial headers sync aborted with peer=${this.#options.peer}: ${why} at height=${height} (${phase} phase)`,
    )
    return { ok: false, requestMore: false, ready: NOTHING }
  }

  #isCommitted(height: number): boolean {
    return height % this.#period === this.#offset
  }

  #commitmentOf(hash: Uint8Array): number {
    return this.#hash.hash256Low48(hash) % 2
  }

  /** Takes one header's place, difficulty and work; false where no difficulty can change so. */
  #extend(headers: Uint8Array, hashes: Uint8Array, i: number): boolean {
    const bits = readU32(headers, HEADER_SIZE * i + BITS_AT)
    if (!permittedDifficultyTransition(this.#height + 1, this.#lastBits, bits, this.#options.params)) return false
    this.#height++
    this.#work += blockWork(bits)
    this.#lastBits = bits
    this.#lastHash = hashes.slice(32 * i, 32 * i + 32)
    this.#lastTime = readU32(headers, HEADER_SIZE * i + BITS_AT - 4)
    return true
  }

  #continues(headers: Uint8Array): boolean {
    return equalBytes(headers.subarray(PREVIOUS_AT, PREVIOUS_AT + 32), this.#lastHash)
  }

  #presync(headers: Uint8Array, hashes: Uint8Array, full: boolean): PresyncResult {
    if (!this.#continues(headers)) return this.#abort('non-continuous headers', this.#height)
    for (let i = 0; i < headers.length / HEADER_SIZE; i++) {
      if (!this.#extend(headers, hashes, i)) return this.#abort('invalid difficulty transition', this.#height + 1)
      if (!this.#isCommitted(this.#height)) continue
      this.#commitments.push(this.#commitmentOf(this.#lastHash))
      if (this.#commitments.length > this.#commitmentsMax) {
        return this.#abort('exceeded max commitments', this.#height)
      }
    }
    if (this.#work >= this.#options.minimumWork) {
      this.#beginRedownload()
      return { ok: true, requestMore: true, ready: NOTHING }
    }
    if (full) return { ok: true, requestMore: true, ready: NOTHING }
    return { ...this.#abort('incomplete headers message', this.#height), ok: true }
  }

  #beginRedownload(): void {
    const { start, log, peer } = this.#options
    const reached = this.#height
    log(
      () =>
        `Initial headers sync transition with peer=${peer}: reached sufficient work at height=${reached}, ` +
        `redownloading from height=${start.height}`,
    )
    this.#stage = 'redownload'
    this.#height = start.height
    this.#work = start.work
    this.#lastHash = start.locator[0]
    this.#lastBits = start.bits
  }

  #redownload(headers: Uint8Array, hashes: Uint8Array, full: boolean): PresyncResult {
    for (let i = 0; i < headers.length / HEADER_SIZE; i++) {
      const header = headers.subarray(HEADER_SIZE * i, HEADER_SIZE * (i + 1))
      if (!this.#continues(header)) return this.#abort('non-continuous headers', this.#height + 1)
      if (!this.#extend(headers, hashes, i)) return this.#abort('invalid difficulty transition', this.#height + 1)
      if (this.#work >= this.#options.minimumWork) this.#releaseAll = true
      // Past the point that was shown to be enough, the chain may have grown since.
      if (!this.#releaseAll && this.#isCommitted(this.#height)) {
        if (this.#commitments.length === 0) return this.#abort('commitment overrun', this.#height)
        if (this.#commitments.shift() !== this.#commitmentOf(this.#lastHash)) {
          return this.#abort('commitment mismatch', this.#height)
        }
      }
      this.#held.push(header.slice())
    }
    const ready = this.#release()
    if (this.#held.length === 0 && this.#releaseAll) {
      const { log, peer } = this.#options
      const height = this.#height
      log(() => `Initial headers sync complete with peer=${peer}: releasing all at height=${height} (redownload phase)`)
      return { ok: true, requestMore: false, ready }
    }
    if (full) return { ok: true, requestMore: true, ready }
    return { ...this.#abort('incomplete headers message', this.#height), ok: true, ready }
  }

  #release(): Uint8Array {
    const keep = this.#releaseAll ? 0 : this.#options.params.headersSync.redownloadBufferSize
    const count = Math.max(this.#held.length - keep, 0)
    const ready = new Uint8Array(HEADER_SIZE * count)
    for (let i = 0; i < count; i++) ready.set(this.#held[i], HEADER_SIZE * i)
    this.#held.splice(0, count)
    return ready
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}
