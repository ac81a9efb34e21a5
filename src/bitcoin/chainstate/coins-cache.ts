import { invariant } from '../../base/errors.ts'
import type { Coin } from '../primitives/coin.ts'
import { coinCode, heightOfCode, isCoinbaseCode } from '../primitives/coin.ts'
import type { SpentCoins } from './spent-coins.ts'

/** Where coins come from that the cache does not hold. */
export interface CoinsSource {
  /** The coin of an outpoint (36 bytes at `at`), if it is unspent. */
  getCoin(bytes: Uint8Array, at: number): Coin | undefined
}

/** A coin on its way to the store: `coin` undefined where it is to be deleted. */
export interface CoinChange {
  /** 36 bytes: txid, then index; valid until the next one is asked for. */
  readonly outpoint: Uint8Array
  readonly coin: Coin | undefined
}

const KEY_WORDS = 9
/** Scripts of up to this length lie in the table itself: all of today's templates do. */
const INLINE_SCRIPT_MAX = 36
/** Bytes that one entry takes, its two hash slots included. */
const ENTRY_BYTES = 4 * KEY_WORDS + 4 + 1 + 4 + 8 + 2 + INLINE_SCRIPT_MAX + 4 + 8
const FIRST_CAPACITY = 1 << 12

/** The entry differs from the store. */
const DIRTY = 1
/** The store has no unspent coin here, so that a spent entry can simply be dropped. */
const FRESH = 2
const SPENT = 4
const UNUSED = 8

/** Script length that says that the script stands in the overflow map. */
const OVERFLOW = 0xffff

/**
 * Coins in front of the store: an open-addressing table in typed arrays, off the heap, so that millions of coins cost the garbage
 * collector nothing. Entries carry Core's dirty and fresh marks.
 */
export class CoinsCache implements CoinsSource {
  readonly #source: CoinsSource
  /** Secret multipliers of the hash: nobody outside can choose txids that collide. */
  readonly #salt: Int32Array
  readonly #limitBytes: number

  #capacity = 0
  #shift = 0
  #slots = new Int32Array(0)
  #keys = new Int32Array(0)
  #hashes = new Int32Array(0)
  #flags = new Uint8Array(0)
  #codes = new Uint32Array(0)
  #values = new Float64Array(0)
  #scriptLengths = new Uint16Array(0)
  #scripts = new Uint8Array(0)
  #nextFree = new Int32Array(0)
  #freeHead = -1
  #used = 0
  #high = 0
  readonly #overflow = new Map<number, Uint8Array>()
  #overflowBytes = 0
  #dirtyCount = 0
  #changeCount = 0
  readonly #probe = new Int32Array(KEY_WORDS)

  /**
   * @param salt nine random words
   * @param limitBytes memory after which {@link isFull} asks for a flush
   */
  constructor(source: CoinsSource, salt: Int32Array, limitBytes: number) {
    invariant(salt.length === KEY_WORDS, 'salt of nine words')
    this.#source = source
    this.#salt = salt.map(word => word | 1)
    this.#limitBytes = limitBytes
    this.#resize(FIRST_CAPACITY)
  }

  #resize(capacity: number): void {
    const keep = <T extends Int32Array | Uint8Array | Uint16Array | Uint32Array | Float64Array>(old: T, next: T): T => {
      next.set(old as never)
      return next
    }
    this.#keys = keep(this.#keys, new Int32Array(KEY_WORDS * capacity))
    this.#hashes = keep(this.#hashes, new Int32Array(capacity))
    this.#flags = keep(this.#flags, new Uint8Array(capacity))
    this.#codes = keep(this.#codes, new Uint32Array(capacity))
    this.#values = keep(this.#values, new Float64Array(capacity))
    this.#scriptLengths = keep(this.#scriptLengths, new Uint16Array(capacity))
    this.#scripts = keep(this.#scripts, new Uint8Array(INLINE_SCRIPT_MAX * capacity))
    this.#nextFree = keep(this.#nextFree, new Int32Array(capacity))
    this.#capacity = capacity
    this.#shift = 32 - Math.log2(2 * capacity)
    this.#slots = new Int32Array(2 * capacity)
    for (let entry = 0; entry < this.#high; entry++) {
      if ((this.#flags[entry] & UNUSED) === 0) this.#slots[this.#freeSlot(this.#hashes[entry])] = entry + 1
    }
  }

  /** Bytes of memory that the cache takes. */
  get memoryBytes(): number {
    return this.#capacity * ENTRY_BYTES + this.#overflowBytes
  }

  /** Whether the cache should be flushed before it takes much more. */
  get isFull(): boolean {
    return this.#used * ENTRY_BYTES + this.#overflowBytes >= this.#limitBytes
  }

  /** Entries held, spent ones that the store does not know of yet included. */
  get size(): number {
    return this.#used
  }

  get dirtyCount(): number {
    return this.#dirtyCount
  }

  /** Counts changes: the same number twice means that nothing came to differ from the store in between. */
  get changeCount(): number {
    return this.#changeCount
  }

  /** Takes the outpoint at `at` apart into the probe words and returns its hash. */
  #load(bytes: Uint8Array, at: number): number {
    const probe = this.#probe
    const salt = this.#salt
    let hash = 0
    for (let i = 0, p = at; i < KEY_WORDS; i++, p += 4) {
      const word = bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24)
      probe[i] = word
      hash = (hash + Math.imul(word ^ (word >>> 15), salt[i])) | 0
    }
    return hash
  }

  #freeSlot(hash: number): number {
    const mask = this.#slots.length - 1
    let slot = hash >>> this.#shift
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    return slot
  }

  /** The slot in which the probed key stands, -1 where it does not. */
  #slotOf(hash: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    const keys = this.#keys
    const probe = this.#probe
    let slot = hash >>> this.#shift
    for (;;) {
      const entry = slots[slot] - 1
      if (entry < 0) return -1
      if (this.#hashes[entry] === hash) {
        const at = KEY_WORDS * entry
        let i = 0
        while (i < KEY_WORDS && keys[at + i] === probe[i]) i++
        if (i === KEY_WORDS) return slot
      }
      slot = (slot + 1) & mask
    }
  }

  /** Makes an entry for the probed key, which must not be there. */
  #insert(hash: number): number {
    if (this.#used === this.#capacity) this.#resize(2 * this.#capacity)
    let entry = this.#freeHead
    if (entry >= 0) this.#freeHead = this.#nextFree[entry]
    else entry = this.#high++
    this.#used++
    this.#keys.set(this.#probe, KEY_WORDS * entry)
    this.#hashes[entry] = hash
    this.#flags[entry] = 0
    this.#scriptLengths[entry] = 0
    this.#slots[this.#freeSlot(hash)] = entry + 1
    return entry
  }

  /** Takes an entry out, moving later ones of the same run back so that no gap breaks their search. */
  #remove(slot: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    const entry = slots[slot] - 1
    this.#dropScript(entry)
    this.#setFlags(entry, UNUSED)
    this.#nextFree[entry] = this.#freeHead
    this.#freeHead = entry
    this.#used--
    let gap = slot
    let at = (slot + 1) & mask
    while (slots[at] !== 0) {
      const home = this.#hashes[slots[at] - 1] >>> this.#shift
      if (((at - home) & mask) >= ((at - gap) & mask)) {
        slots[gap] = slots[at]
        gap = at
      }
      at = (at + 1) & mask
    }
    slots[gap] = 0
  }

  #setFlags(entry: number, flags: number): void {
    this.#dirtyCount += (flags & DIRTY) - (this.#flags[entry] & DIRTY)
    this.#flags[entry] = flags
  }

  #dropScript(entry: number): void {
    if (this.#scriptLengths[entry] === OVERFLOW) {
      this.#overflowBytes -= this.#overflow.get(entry)!.length
      this.#overflow.delete(entry)
    }
    this.#scriptLengths[entry] = 0
  }

  #setCoin(entry: number, valueSats: number, code: number, source: Uint8Array, start: number, length: number): void {
    this.#dropScript(entry)
    this.#values[entry] = valueSats
    this.#codes[entry] = code
    if (length > INLINE_SCRIPT_MAX) {
      this.#scriptLengths[entry] = OVERFLOW
      this.#overflow.set(entry, source.slice(start, start + length))
      this.#overflowBytes += length
      return
    }
    this.#scriptLengths[entry] = length
    const scripts = this.#scripts
    for (let i = 0, to = INLINE_SCRIPT_MAX * entry; i < length; i++) scripts[to++] = source[start + i]
  }

  #script(entry: number): Uint8Array {
    const length = this.#scriptLengths[entry]
    if (length === OVERFLOW) return this.#overflow.get(entry)!
    const at = INLINE_SCRIPT_MAX * entry
    return this.#scripts.slice(at, at + length)
  }

  #coin(entry: number): Coin {
    const code = this.#codes[entry]
    return {
      valueSats: this.#values[entry],
      script: this.#script(entry),
      height: heightOfCode(code),
      coinbase: isCoinbaseCode(code),
    }
  }

  /** The entry of an outpoint, fetched from the store where need be; -1 where there is no such coin there either. */
  #entryOf(bytes: Uint8Array, at: number): number {
    const hash = this.#load(bytes, at)
    const slot = this.#slotOf(hash)
    if (slot >= 0) return this.#slots[slot] - 1
    const coin = this.#source.getCoin(bytes, at)
    if (coin === undefined) return -1
    const entry = this.#insert(hash)
    this.#setCoin(entry, coin.valueSats, coinCode(coin.height, coin.coinbase), coin.script, 0, coin.script.length)
    return entry
  }

  /** The coin of an outpoint, 36 bytes at `at`. */
  getCoin(bytes: Uint8Array, at = 0): Coin | undefined {
    const entry = this.#entryOf(bytes, at)
    return entry < 0 || this.#flags[entry] & SPENT ? undefined : this.#coin(entry)
  }

  has(bytes: Uint8Array, at = 0): boolean {
    const entry = this.#entryOf(bytes, at)
    return entry >= 0 && (this.#flags[entry] & SPENT) === 0
  }

  /** Spends a coin, recording it as that of input `input`; false where there is none. */
  spend(bytes: Uint8Array, at: number, into: SpentCoins, input: number): boolean {
    const entry = this.#entryOf(bytes, at)
    if (entry < 0 || this.#flags[entry] & SPENT) return false
    const length = this.#scriptLengths[entry]
    if (length === OVERFLOW) {
      const script = this.#overflow.get(entry)!
      into.set(input, this.#values[entry], this.#codes[entry], script, 0, script.length)
    } else {
      into.set(input, this.#values[entry], this.#codes[entry], this.#scripts, INLINE_SCRIPT_MAX * entry, length)
    }
    this.#spendEntry(entry)
    return true
  }

  #spendEntry(entry: number): void {
    this.#changeCount++
    if (this.#flags[entry] & FRESH) {
      // The probe still holds this entry's key.
      this.#remove(this.#slotOf(this.#hashes[entry]))
      return
    }
    this.#dropScript(entry)
    this.#setFlags(entry, DIRTY | SPENT)
  }

  /** Spends a coin whose value nobody needs: an output that goes with its block. Whether it was there. */
  erase(bytes: Uint8Array, at: number): boolean {
    const entry = this.#entryOf(bytes, at)
    if (entry < 0 || this.#flags[entry] & SPENT) return false
    this.#spendEntry(entry)
    return true
  }

  /**
   * Adds a coin.
   *
   * @param maybeStored whether the store might hold an unspent coin of this outpoint (BIP30's coinbases, restored coins)
   */
  add(
    bytes: Uint8Array,
    at: number,
    valueSats: number,
    code: number,
    script: Uint8Array,
    start: number,
    length: number,
    maybeStored: boolean,
  ): void {
    this.#changeCount++
    const hash = this.#load(bytes, at)
    const slot = this.#slotOf(hash)
    let entry: number
    let flags = DIRTY
    if (slot < 0) {
      entry = this.#insert(hash)
      if (!maybeStored) flags |= FRESH
    } else {
      entry = this.#slots[slot] - 1
      flags |= this.#flags[entry] & FRESH
    }
    this.#setCoin(entry, valueSats, code, script, start, length)
    this.#setFlags(entry, flags)
  }

  /** All entries that differ from the store, once; marks nothing. */
  *changes(): Generator<CoinChange> {
    const outpoint = new Uint8Array(4 * KEY_WORDS)
    for (let entry = 0; entry < this.#high; entry++) {
      const flags = this.#flags[entry]
      if ((flags & (UNUSED | DIRTY)) !== DIRTY) continue
      for (let i = 0; i < KEY_WORDS; i++) {
        const word = this.#keys[KEY_WORDS * entry + i]
        outpoint[4 * i] = word
        outpoint[4 * i + 1] = word >>> 8
        outpoint[4 * i + 2] = word >>> 16
        outpoint[4 * i + 3] = word >>> 24
      }
      yield { outpoint, coin: flags & SPENT ? undefined : this.#coin(entry) }
    }
  }

  /** After a flush: everything is as the store has it. Keeps the coins as clean entries, or drops them where `empty`. */
  markClean(empty: boolean): void {
    if (empty) {
      this.#used = 0
      this.#high = 0
      this.#freeHead = -1
      this.#dirtyCount = 0
      this.#overflow.clear()
      this.#overflowBytes = 0
      this.#slots.fill(0)
      this.#flags.fill(0)
      return
    }
    for (let slot = 0; slot < this.#slots.length; ) {
      const entry = this.#slots[slot] - 1
      if (entry >= 0 && this.#flags[entry] & SPENT) {
        // Removal moves others into this slot: look at it again.
        this.#remove(slot)
        continue
      }
      if (entry >= 0) this.#setFlags(entry, 0)
      slot++
    }
  }
}
