import { namedConnection, type OutboundStep, type PresentConnection, type TargetOptions } from './outbound-step.ts'

const STEP_MS = 500
/** Pauses between peers grow with each round, up to this many steps. */
const PAUSE_STEPS_MAX = 10

/** The peers of -connect: connections are kept up to these, and made to nobody else. */
export class ConnectList {
  readonly #names: readonly string[]
  readonly #options: TargetOptions
  #at = 0
  #rounds = 0
  #nextMs = 0

  constructor(names: readonly string[], options: TargetOptions) {
    this.#names = names
    this.#options = options
  }

  /** The connections that are due: in the first round, all. */
  plan(connections: readonly PresentConnection[], steadyMs: number): OutboundStep[] {
    const steps: OutboundStep[] = []
    while (this.#names.length > 0 && steadyMs >= this.#nextMs) {
      const name = this.#names[this.#at]
      const isPresent = connections.some(connection => connection.name === name)
      const step = isPresent ? undefined : namedConnection(name, 'manual', this.#options.v2, this.#options)
      if (step !== undefined) steps.push(step)
      this.#nextMs = steadyMs + STEP_MS * Math.min(this.#rounds, PAUSE_STEPS_MAX)
      if (++this.#at === this.#names.length) {
        this.#at = 0
        this.#rounds++
        this.#nextMs += STEP_MS
      }
    }
    return steps
  }

  nextWake(): number | undefined {
    return this.#names.length === 0 ? undefined : this.#nextMs
  }
}
