import type { Store, StoreChange } from '../base/ports/store.ts'

/** Entries that an iteration gives at a time. */
const BATCH_ENTRIES = 500

/** A key as a string whose order is that of the bytes. */
function textOf(key: Uint8Array): string {
  let text = ''
  for (const byte of key) text += String.fromCharCode(byte)
  return text
}

interface MemoryEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** A store in memory. What it holds outlives its closing, so that a test may open a ledger on it again. */
export class MemoryStore implements Store {
  readonly #entries = new Map<string, MemoryEntry>()

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(textOf(key))?.value.slice()
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    for (const { key, value } of changes) {
      if (value === undefined) this.#entries.delete(textOf(key))
      else this.#entries.set(textOf(key), { key: key.slice(), value: value.slice() })
    }
  }

  #range(from: Uint8Array, to: Uint8Array): MemoryEntry[] {
    const [first, end] = [textOf(from), textOf(to)]
    const keys = [...this.#entries.keys()].filter(key => key >= first && key < end).sort()
    return keys.map(key => this.#entries.get(key)!)
  }

  async *entries(from: Uint8Array, to: Uint8Array): AsyncGenerator<readonly (readonly [Uint8Array, Uint8Array])[]> {
    const range = this.#range(from, to)
    for (let at = 0; at < range.length; at += BATCH_ENTRIES) {
      yield range.slice(at, at + BATCH_ENTRIES).map(({ key, value }) => [key.slice(), value.slice()] as const)
    }
  }

  async approximateSize(from: Uint8Array, to: Uint8Array): Promise<number> {
    return this.#range(from, to).reduce((sum, { key, value }) => sum + key.length + value.length, 0)
  }

  async close(): Promise<void> {}

  /** Another store with the same entries. */
  copy(): MemoryStore {
    const copy = new MemoryStore()
    for (const [text, entry] of this.#entries) copy.#entries.set(text, entry)
    return copy
  }
}
