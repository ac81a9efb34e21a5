import { endpointKey, type NetEndpoint } from '../../wire/net-address.ts'
import {
  connectionTo,
  connectTarget,
  namedConnection,
  type OutboundStep,
  type PresentConnection,
  type TargetOptions,
} from './outbound-step.ts'
import { MAX_ADDNODE_CONNECTIONS } from './slots.ts'

/** Peers that the owner may add; Core knows no limit. */
export const ADDED_NODES_MAX = 1000

/** Of a list that is longer, what the address manager chooses is not looked up in it. */
const LOOKED_UP_MAX = 24
const STEP_MS = 500
/** The next round begins so long after one in which something was tried, and one in which all were connected. */
const RETRY_MS = 60_000
const IDLE_MS = 2000

interface AddedNode {
  readonly node: string
  readonly v2: boolean
}

/** What `getaddednodeinfo` shows. */
export interface AddedNodeInfo {
  readonly node: string
  /** Undefined while there is no connection. */
  readonly connection: { readonly endpoint: NetEndpoint; readonly inbound: boolean } | undefined
}

/** The peers of -addnode: connections to them are kept up beside those that are chosen. */
export class AddedNodes {
  readonly #options: TargetOptions
  readonly #nodes: AddedNode[] = []
  /** Who is still to be tried in this round. */
  #round: AddedNode[] = []
  #tried = false
  #nextMs = 0

  constructor(options: TargetOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#nodes.length
  }

  /** Adds a peer; false where it is there already, by this name or another of the same address, or there is no room. */
  add(node: string, v2: boolean): boolean {
    if (this.#nodes.length >= ADDED_NODES_MAX) return false
    const key = this.#key(node)
    const isKnown = this.#nodes.some(known => known.node === node || this.#key(known.node) === key)
    if (!isKnown) this.#nodes.push({ node, v2 })
    return !isKnown
  }

  /** What is the same for two texts of one address. */
  #key(node: string): string {
    const target = connectTarget(node, this.#options)
    return target === undefined || 'name' in target ? node : endpointKey(target)
  }

  /** Takes a peer off the list, by the text it was added with; a connection to it stays. */
  remove(node: string): boolean {
    const at = this.#nodes.findIndex(known => known.node === node)
    if (at < 0) return false
    this.#nodes.splice(at, 1)
    return true
  }

  /** Whether the list has an address, with its port or without, in exactly this form. */
  includes(...texts: string[]): boolean {
    return this.#nodes.length < LOOKED_UP_MAX && this.#nodes.some(({ node }) => texts.includes(node))
  }

  info(connections: readonly PresentConnection[]): AddedNodeInfo[] {
    return this.#nodes.map(({ node }) => {
      const found = connectionTo(node, connections, this.#options)
      const connection = found && { endpoint: found.endpoint, inbound: found.type === 'inbound' }
      return { node, connection }
    })
  }

  /** The next connection to make, if one is due. */
  plan(connections: readonly PresentConnection[], steadyMs: number): OutboundStep | undefined {
    if (steadyMs < this.#nextMs) return undefined
    const present = new Map(this.#nodes.map(added => [added, connectionTo(added.node, connections, this.#options)]))
    const isAbsent = (added: AddedNode): boolean => present.has(added) && present.get(added) === undefined
    if (this.#round.length === 0) {
      this.#round = this.#nodes.filter(isAbsent)
      this.#tried = false
    }
    const made = [...present.values()].filter(connection => connection?.type === 'manual').length
    const hasRoom = made < MAX_ADDNODE_CONNECTIONS
    const next = hasRoom ? this.#round.shift() : undefined
    if (next === undefined) this.#round = []
    else this.#tried = true
    this.#nextMs = steadyMs + (this.#round.length > 0 ? STEP_MS : this.#tried ? RETRY_MS : IDLE_MS)
    if (next === undefined || !isAbsent(next)) return undefined
    return namedConnection(next.node, 'manual', next.v2, this.#options)
  }

  nextWake(): number | undefined {
    return this.#nodes.length === 0 ? undefined : this.#nextMs
  }
}
