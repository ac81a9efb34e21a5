/** Time as the cores see it; they take `now` as an argument, shells ask a clock. */
export interface Clock {
  /** Milliseconds since 1970, as the owner's clock (or -mocktime) has it. */
  now(): number
  /** Milliseconds that only ever grow, for intervals. */
  monotonic(): number
}
