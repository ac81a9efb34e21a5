import type { Store, StoreChange } from '../../base/ports/store.ts'

/** A key of a few dozen bytes as a text that a map takes. */
function textOf(key: Uint8Array): string {
  return String.fromCharCode(...key)
}

/**
 * A store that is written behind: what was put is read back at once, and reaches the store with the next {@link IndexStore.flush}. So an
 * index can work on synchronously, block after block.
 */
export class IndexStore {
  readonly store: Store
  #changes: StoreChange[] = []
  #bytes = 0
  #visible = new Map<string, Uint8Array>()
  /** What a flush under way has taken. */
  #leaving: ReadonlyMap<string, Uint8Array> = new Map()
  #flushing: Promise<void> = Promise.resolve()

  constructor(store: Store) {
    this.store = store
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const text = textOf(key)
    return this.#visible.get(text) ?? this.#leaving.get(text) ?? this.store.get(key)
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#visible.set(textOf(key), value)
    this.append(key, value)
  }

  /** As {@link IndexStore.put}, for what nobody reads before it is flushed. */
  append(key: Uint8Array, value: Uint8Array): void {
    this.#changes.push({ key, value })
    this.#bytes += key.length + value.length
  }

  /** Bytes that wait to be written. */
  get waitingBytes(): number {
    return this.#bytes
  }

  /** Writes what waits, all of it or nothing; calls that come meanwhile write after that. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.catch(() => undefined).then(() => this.#write())
    return this.#flushing
  }

  async #write(): Promise<void> {
    if (this.#changes.length === 0) return
    const changes = this.#changes
    this.#leaving = this.#visible
    this.#changes = []
    this.#bytes = 0
    this.#visible = new Map()
    await this.store.write(changes)
    this.#leaving = new Map()
  }
}
