import type { SpentCoins } from '../../../bitcoin/chainstate/spent-coins.ts'
import type { HashedBlock } from '../../../bitcoin/consensus/check-block.ts'

/** A block that was connected, with what it spent. */
export interface Connection {
  readonly block: HashedBlock
  readonly spent: SpentCoins
}

/** Blocks that were connected lately, so that indexes need not read them again; bounded in bytes, the oldest go first. */
export class RecentConnections {
  readonly #connections = new Map<number, Connection>()
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get(id: number): Connection | undefined {
    return this.#connections.get(id)
  }

  keep(id: number, connection: Connection): void {
    if (this.#connections.has(id)) return
    this.#connections.set(id, connection)
    this.#bytes += connection.block.bytes.length
    for (const oldest of this.#connections.keys()) {
      if (this.#bytes <= this.#bytesMax) return
      this.#bytes -= this.#connections.get(oldest)!.block.bytes.length
      this.#connections.delete(oldest)
    }
  }

  clear(): void {
    this.#connections.clear()
    this.#bytes = 0
  }
}
