/** What a block of an active piece is at. */
export const BLOCK_FREE = 0
export const BLOCK_REQUESTED = 1
export const BLOCK_RECEIVED = 2

const NOBODY = -1

/** A piece of which some block was asked for or has come. */
export class ActivePiece {
  readonly piece: number
  readonly blockCount: number
  readonly #states: Uint8Array
  /** Who was asked first for each block. */
  readonly #first: Int32Array
  /** Who else was asked (endgame). */
  readonly #others = new Map<number, number[]>()
  /** Outstanding requests of each peer. */
  readonly #load = new Map<number, number>()
  #free: number
  #received = 0
  /** No block before this one is free. */
  #cursor = 0

  constructor(piece: number, blockCount: number) {
    this.piece = piece
    this.blockCount = blockCount
    this.#states = new Uint8Array(blockCount)
    this.#first = new Int32Array(blockCount).fill(NOBODY)
    this.#free = blockCount
  }

  get freeCount(): number {
    return this.#free
  }

  get receivedCount(): number {
    return this.#received
  }

  get isComplete(): boolean {
    return this.#received === this.blockCount
  }

  /** Peers with outstanding requests here. */
  get workerCount(): number {
    return this.#load.size
  }

  state(block: number): number {
    return this.#states[block]
  }

  isWorkedOnBy(peer: number): boolean {
    return this.#load.has(peer)
  }

  /** The first block that nobody was asked for; -1 if there is none. */
  nextFree(): number {
    if (this.#free === 0) return -1
    while (this.#states[this.#cursor] !== BLOCK_FREE) this.#cursor++
    return this.#cursor
  }

  requesters(block: number): number[] {
    const first = this.#first[block]
    return first === NOBODY ? [] : [first, ...(this.#others.get(block) ?? [])]
  }

  isRequestedFrom(block: number, peer: number): boolean {
    return this.#first[block] === peer || (this.#others.get(block)?.includes(peer) ?? false)
  }

  request(block: number, peer: number): void {
    if (this.#states[block] === BLOCK_FREE) {
      this.#states[block] = BLOCK_REQUESTED
      this.#free--
      this.#first[block] = peer
    } else {
      const others = this.#others.get(block)
      if (others === undefined) this.#others.set(block, [peer])
      else others.push(peer)
    }
    this.#load.set(peer, (this.#load.get(peer) ?? 0) + 1)
  }

  /** A request will not be answered. False where there was none. */
  release(block: number, peer: number): boolean {
    if (!this.isRequestedFrom(block, peer)) return false
    this.#forget(block, peer)
    if (this.#first[block] === NOBODY && this.#states[block] === BLOCK_REQUESTED) {
      this.#states[block] = BLOCK_FREE
      this.#free++
      this.#cursor = Math.min(this.#cursor, block)
    }
    return true
  }

  /** A block has come; requests to others stay until they are released. False where it had come before. */
  receive(block: number): boolean {
    const state = this.#states[block]
    if (state === BLOCK_RECEIVED) return false
    if (state === BLOCK_FREE) this.#free--
    this.#states[block] = BLOCK_RECEIVED
    this.#received++
    return true
  }

  #forget(block: number, peer: number): void {
    const others = this.#others.get(block)
    if (this.#first[block] === peer) this.#first[block] = others?.shift() ?? NOBODY
    else others?.splice(others.indexOf(peer), 1)
    if (others?.length === 0) this.#others.delete(block)
    const load = this.#load.get(peer)! - 1
    if (load === 0) this.#load.delete(peer)
    else this.#load.set(peer, load)
  }
}
