/** Something that is to happen at a moment; those of one moment in the order in which they were asked for. */
export interface QueuedEvent {
  readonly timeMs: number
  readonly order: number
  /** Undefined once it is called off. */
  task: (() => void) | undefined
}

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order)
}

/** Events by time, in a binary heap. */
export class EventQueue {
  readonly #heap: QueuedEvent[] = []
  #nextOrder = 0

  get size(): number {
    return this.#heap.length
  }

  get first(): QueuedEvent | undefined {
    return this.#heap[0]
  }

  add(timeMs: number, task: () => void): QueuedEvent {
    const event: QueuedEvent = { timeMs, order: this.#nextOrder++, task }
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, heap[parent])) break
      heap[at] = heap[parent]
      at = parent
    }
    heap[at] = event
    return event
  }

  /** Removes the first event, if there is one. */
  take(): QueuedEvent | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || last === first) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++
      if (!isBefore(heap[child], last)) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = last
    return first
  }
}
