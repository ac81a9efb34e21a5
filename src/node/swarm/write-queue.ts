import { writeFully } from './positioned-io.ts'

interface QueuedWrite {
  readonly position: number
  readonly views: readonly Uint8Array[]
  readonly length: number
  resolve(): void
  reject(error: unknown): void
}

/** Bytes and buffers that go to the system in one call. */
const MERGED_BYTES_MAX = 4 * 1024 * 1024
const MERGED_VIEWS_MAX = 512

/**
 * Writes to one file, one at a time: writes at once would only wait for each other inside the system. What queues up meanwhile
 * goes in one call where it lies side by side.
 */
export class WriteQueue {
  readonly #fd: number
  /** By position, in the order in which they came. */
  readonly #waiting = new Map<number, QueuedWrite[]>()
  #busy = false

  constructor(fd: number) {
    this.#fd = fd
  }

  write(position: number, views: readonly Uint8Array[]): Promise<void> {
    const length = views.reduce((sum, view) => sum + view.length, 0)
    return new Promise((resolve, reject) => {
      const write = { position, views, length, resolve, reject }
      // Two writes at one place go one after the other.
      const queue = this.#waiting.get(position)
      if (queue === undefined) this.#waiting.set(position, [write])
      else queue.push(write)
      if (!this.#busy) void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    this.#busy = true
    while (this.#waiting.size > 0) {
      const run = this.#takeRun()
      try {
        await writeFully(
          this.#fd,
          run.flatMap(write => write.views),
          run[0].position,
        )
        for (const write of run) write.resolve()
      } catch (error) {
        for (const write of run) write.reject(error)
      }
    }
    this.#busy = false
  }

  /** The write that waits longest, and its neighbours. */
  #takeRun(): QueuedWrite[] {
    const run: QueuedWrite[] = []
    const [start] = this.#waiting.keys()
    let end = start
    let views = 0
    for (;;) {
      const queue = this.#waiting.get(end)
      const next = queue?.[0]
      if (queue === undefined || next === undefined) return run
      const isTooMuch = end + next.length - start > MERGED_BYTES_MAX || views + next.views.length > MERGED_VIEWS_MAX
      if (run.length > 0 && isTooMuch) return run
      queue.shift()
      if (queue.length === 0) this.#waiting.delete(end)
      run.push(next)
      end += next.length
      views += next.views.length
    }
  }
}
