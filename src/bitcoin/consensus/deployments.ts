import { ALWAYS_ACTIVE, type Deployment, NEVER_ACTIVE, type NetworkParams } from '../params/network-params.ts'
import { type HeaderSource, medianTimePast } from './header-source.ts'

/** BIP9: the states of a signalled deployment, as getdeploymentinfo shows them. */
export type DeploymentState = 'defined' | 'started' | 'locked_in' | 'active' | 'failed'

/** BIP9: the three top bits of a version that signals. */
const VERSIONBITS_TOP_MASK = 0xe000_0000 | 0
export const VERSIONBITS_TOP_BITS = 0x2000_0000

/** Counts of signalling in the current period. */
export interface DeploymentStatistics {
  readonly period: number
  readonly threshold: number
  readonly elapsed: number
  readonly count: number
  readonly possible: boolean
  /** For each elapsed block of the period, whether it signalled. */
  readonly signalling: readonly boolean[]
}

/**
 * BIP9 over a tree of headers: states are those of a block on top of `previous` (-1: of the genesis block), and are remembered for
 * the last header of each period.
 */
export class Deployments {
  readonly #source: HeaderSource
  readonly #params: NetworkParams
  readonly #known = new Map<string, Map<number, DeploymentState>>()

  constructor(source: HeaderSource, params: NetworkParams) {
    this.#source = source
    this.#params = params
    for (const name of Object.keys(params.deployments)) this.#known.set(name, new Map())
  }

  /** The last header of the period before the one that a block on top of `previous` belongs to. */
  #boundary(previous: number, period: number): number {
    if (previous < 0) return -1
    const height = this.#source.height(previous)
    const boundary = height - ((height + 1) % period)
    return boundary < 0 ? -1 : this.#source.ancestor(previous, boundary)
  }

  #periodBefore(boundary: number, period: number): number {
    const height = this.#source.height(boundary) - period
    return height < 0 ? -1 : this.#source.ancestor(boundary, height)
  }

  #signals(id: number, deployment: Deployment): boolean {
    const version = this.#source.version(id)
    return (version & VERSIONBITS_TOP_MASK) === VERSIONBITS_TOP_BITS && ((version >>> deployment.bit) & 1) === 1
  }

  #next(state: DeploymentState, boundary: number, deployment: Deployment): DeploymentState {
    switch (state) {
      case 'defined':
        return medianTimePast(this.#source, boundary) >= deployment.startTime ? 'started' : 'defined'
      case 'started': {
        let count = 0
        for (let i = 0, at = boundary; i < deployment.period; i++, at = this.#source.previous(at)) {
          if (this.#signals(at, deployment)) count++
        }
        if (count >= deployment.threshold) return 'locked_in'
        return medianTimePast(this.#source, boundary) >= deployment.timeout ? 'failed' : 'started'
      }
      case 'locked_in':
        return this.#source.height(boundary) + 1 >= deployment.minActivationHeight ? 'active' : 'locked_in'
      default:
        return state
    }
  }

  /** The state of the deployment `name` for a block on top of `previous`. */
  stateAfter(name: string, previous: number): DeploymentState {
    const deployment = this.#params.deployments[name]
    if (deployment.startTime === ALWAYS_ACTIVE) return 'active'
    if (deployment.startTime === NEVER_ACTIVE) return 'failed'
    const known = this.#known.get(name)!
    const unknown: number[] = []
    let boundary = this.#boundary(previous, deployment.period)
    let state: DeploymentState = 'defined'
    while (boundary >= 0) {
      const remembered = known.get(boundary)
      if (remembered !== undefined) {
        state = remembered
        break
      }
      // Medians only grow: before the start time there is nothing further back to find.
      if (medianTimePast(this.#source, boundary) < deployment.startTime) {
        known.set(boundary, 'defined')
        break
      }
      unknown.push(boundary)
      boundary = this.#periodBefore(boundary, deployment.period)
    }
    for (const at of unknown.reverse()) {
      state = this.#next(state, at, deployment)
      known.set(at, state)
    }
    return state
  }

  /** The height from which the state that holds after `previous` has held. */
  sinceHeight(name: string, previous: number): number {
    const deployment = this.#params.deployments[name]
    if (deployment.startTime === ALWAYS_ACTIVE || deployment.startTime === NEVER_ACTIVE) return 0
    const state = this.stateAfter(name, previous)
    if (state === 'defined') return 0
    let boundary = this.#boundary(previous, deployment.period)
    for (;;) {
      const before = this.#periodBefore(boundary, deployment.period)
      if (before < 0 || this.stateAfter(name, before) !== state) return this.#source.height(boundary) + 1
      boundary = before
    }
  }

  /** Signalling in the period that `id` is in, up to and including it. */
  statistics(name: string, id: number): DeploymentStatistics {
    const deployment = this.#params.deployments[name]
    const elapsed = 1 + (this.#source.height(id) % deployment.period)
    const signalling = new Array<boolean>(elapsed).fill(false)
    for (let i = elapsed - 1, at = id; i >= 0; i--, at = this.#source.previous(at)) {
      signalling[i] = this.#signals(at, deployment)
    }
    const count = signalling.filter(Boolean).length
    return {
      period: deployment.period,
      threshold: deployment.threshold,
      elapsed,
      count,
      possible: deployment.period - deployment.threshold >= elapsed - count,
      signalling,
    }
  }

  /** The version of a block on top of `previous` that signals for everything undecided. */
  blockVersion(previous: number): number {
    let version = VERSIONBITS_TOP_BITS
    for (const [name, deployment] of Object.entries(this.#params.deployments)) {
      const state = this.stateAfter(name, previous)
      if (state === 'started' || state === 'locked_in') version |= 1 << deployment.bit
    }
    return version
  }
}
