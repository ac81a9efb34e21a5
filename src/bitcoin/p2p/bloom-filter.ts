import type { TxTable } from '../primitives/tx-table.ts'
import { ScriptReader } from '../script/script-reader.ts'
import { solveScript } from '../script/standard.ts'
import type { FilterLoadMessage } from '../wire/small-messages.ts'

const HASH_SEED_STEP = 0xfba4c795
/** BIP37: which matched outputs the filter takes up, so that what spends them matches too. */
const UPDATE_MASK = 3
const UPDATE_ALL = 1
const UPDATE_P2PUBKEY_ONLY = 2

/** MurmurHash3 of 32 bits. */
export function murmur3(seed: number, data: Uint8Array): number {
  let hash = seed >>> 0
  const blocks = data.length >>> 2
  for (let i = 0; i < blocks; i++) {
    const at = 4 * i
    hash ^= scramble(data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let i = data.length - 1; i >= 4 * blocks; i--) tail = (tail << 8) | data[i]
  if (data.length > 4 * blocks) hash ^= scramble(tail)
  hash ^= data.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

/** BIP37: what a light client wants to hear of, so blurred that it hides which of many it is. */
export class BloomFilter {
  readonly #bits: Uint8Array
  readonly #hashFunctions: number
  readonly #tweak: number
  readonly #update: number

  constructor({ filter, hashFunctions, tweak, flags }: FilterLoadMessage) {
    this.#bits = filter.slice()
    this.#hashFunctions = hashFunctions
    this.#tweak = tweak
    this.#update = flags & UPDATE_MASK
  }

  #place(n: number, data: Uint8Array): number {
    return murmur3(Math.imul(n, HASH_SEED_STEP) + this.#tweak, data) % (8 * this.#bits.length)
  }

  insert(data: Uint8Array): void {
    // CVE-2013-5700: an empty filter matches everything, and has no place for anything.
    if (this.#bits.length === 0) return
    for (let n = 0; n < this.#hashFunctions; n++) {
      const place = this.#place(n, data)
      this.#bits[place >>> 3] |= 1 << (place & 7)
    }
  }

  has(data: Uint8Array): boolean {
    if (this.#bits.length === 0) return true
    for (let n = 0; n < this.#hashFunctions; n++) {
      const place = this.#place(n, data)
      if ((this.#bits[place >>> 3] & (1 << (place & 7))) === 0) return false
    }
    return true
  }

  /** Whether a transaction is wanted; outputs that match may become wanted themselves. */
  matchAndUpdate(txs: TxTable, tx: number, txid: Uint8Array): boolean {
    if (this.#bits.length === 0) return true
    let found = this.has(txid)
    for (let output = txs.outputFirst[tx]; output < txs.outputFirst[tx + 1]; output++) {
      const script = txs.outputScript(output)
      if (!this.#hasPush(script)) continue
      found = true
      this.#take(script, txid, output - txs.outputFirst[tx])
    }
    if (found) return true
    for (let input = txs.inputFirst[tx]; input < txs.inputFirst[tx + 1]; input++) {
      if (this.has(txs.outpoint(input)) || this.#hasPush(txs.scriptSig(input))) return true
    }
    return false
  }

  #take(script: Uint8Array, txid: Uint8Array, index: number): void {
    if (this.#update === UPDATE_P2PUBKEY_ONLY) {
      const { type } = solveScript(script)
      if (type !== 'pubkey' && type !== 'multisig') return
    } else if (this.#update !== UPDATE_ALL) {
      return
    }
    const outpoint = new Uint8Array(36)
    outpoint.set(txid)
    new DataView(outpoint.buffer).setUint32(32, index, true)
    this.insert(outpoint)
  }

  /** Whether something that a script pushes is wanted. */
  #hasPush(script: Uint8Array): boolean {
    const reader = new ScriptReader(script)
    while (reader.next()) {
      const { dataStart, dataEnd } = reader
      if (dataEnd > dataStart && this.has(script.subarray(dataStart, dataEnd))) return true
    }
    return false
  }
}
