import type { Random } from '../base/ports/random.ts'
import type { Store, StoreChange } from '../base/ports/store.ts'
import type { DiskRoom } from './journaled-files.ts'
import { MemoryStore } from './memory-store.ts'

/** A store in memory that knows what of it would survive a loss of power: a beginning of what was written since the last sync. */
export class JournaledStore implements Store {
  readonly #store: MemoryStore
  /** For each batch that is not durable yet, what it changed, as it was. */
  readonly #journal: (readonly StoreChange[])[]
  readonly #room: DiskRoom

  constructor(room: DiskRoom, store = new MemoryStore(), journal: (readonly StoreChange[])[] = []) {
    this.#room = room
    this.#store = store
    this.#journal = journal
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#store.get(key)
  }

  async write(changes: readonly StoreChange[], options: { sync?: boolean } = {}): Promise<void> {
    this.#room.take(changes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0))
    if (options.sync) this.#journal.length = 0
    else this.#journal.push(changes.map(({ key }) => ({ key: key.slice(), value: this.#store.get(key) })).reverse())
    await this.#store.write(changes)
  }

  entries(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly (readonly [Uint8Array, Uint8Array])[]> {
    return this.#store.entries(from, to)
  }

  approximateSize(from: Uint8Array, to: Uint8Array): Promise<number> {
    return this.#store.approximateSize(from, to)
  }

  async close(): Promise<void> {}

  /** A copy as a new start of the machine finds it; `random` draws what is lost, undefined where only the program ended. */
  survivors(random: Random | undefined, room: DiskRoom): JournaledStore {
    const store = this.#store.copy()
    const journal = this.#journal.slice()
    if (random === undefined) return new JournaledStore(room, store, journal)
    for (let lost = random.below(journal.length + 1); lost > 0; lost--) void store.write(journal.pop()!)
    return new JournaledStore(room, store)
  }
}
