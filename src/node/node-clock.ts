/** The node's clock: the system's, or a time that its owner has set (-mocktime, setmocktime). */
export class NodeClock {
  readonly #startMs = performance.now()
  #mockSeconds: number

  constructor(mockSeconds = 0) {
    this.#mockSeconds = mockSeconds
  }

  /** Seconds since 1970. */
  nowSeconds(): number {
    return this.#mockSeconds || Math.floor(Date.now() / 1000)
  }

  /** Milliseconds since 1970, with fractions where the system's clock holds. */
  nowMs(): number {
    return 1000 * this.#mockSeconds || performance.timeOrigin + performance.now()
  }

  /** The time that was set, 0 where the system's holds. */
  get mockSeconds(): number {
    return this.#mockSeconds
  }

  setMockSeconds(seconds: number): void {
    this.#mockSeconds = seconds
  }

  /** Whole seconds since the node started, whatever the clock says. */
  uptimeSeconds(): number {
    return Math.floor((performance.now() - this.#startMs) / 1000)
  }
}
