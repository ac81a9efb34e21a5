import type { Random } from '../../../base/ports/random.ts'
import type { NetEndpoint } from '../../wire/net-address.ts'
import type { AddressManager } from '../addresses/address-manager.ts'
import type { P2pLog } from '../p2p-context.ts'
import { type AddedNodeInfo, AddedNodes } from './added-nodes.ts'
import {
  AutomaticConnections,
  type AutomaticEnvironment,
  type AutomaticOptions,
  type OutboundSnapshot,
} from './automatic-connections.ts'
import { ConnectList } from './connect-list.ts'
import { DnsSeeds } from './dns-seeds.ts'
import { namedConnection, type OutboundStep, type PresentConnection } from './outbound-step.ts'

export interface OutboundOptions extends AutomaticOptions {
  /** -connect: only these are connected to, or nobody if there are none; undefined for whoever suits. */
  readonly connect: readonly string[] | undefined
  /** -addnode */
  readonly addNodes: readonly string[]
  /** Names of the network's DNS seeds. */
  readonly dnsSeeds: readonly string[]
  /** -forcednsseed */
  readonly forceDnsSeed: boolean
  /** Names are looked up by a proxy. */
  readonly namesThroughProxy: boolean
}

/**
 * Which connection to make next, and when to ask again: those that the owner wants, those that we need, and what finds more peers
 * where too few are known. The snapshot tells all connections, those that are being made among them.
 *
 * @example
 * for (const step of planner.plan(snapshot, nowMs)) follow(step)
 * wakeAt(planner.nextWake())
 */
export class OutboundPlanner {
  readonly #options: OutboundOptions
  readonly #added: AddedNodes
  readonly #connect: ConnectList | undefined
  readonly #automatic: AutomaticConnections | undefined
  readonly #seeds: DnsSeeds
  #networkActive = true

  constructor(
    options: OutboundOptions,
    environment: AutomaticEnvironment,
    parts: { readonly manager: AddressManager; readonly random: Random; readonly log: P2pLog },
    nowMs: number,
  ) {
    const { manager, random, log } = parts
    this.#options = options
    this.#added = new AddedNodes(options)
    for (const node of options.addNodes) this.#added.add(node, options.v2)
    const isChosen = options.connect === undefined
    this.#connect = isChosen ? undefined : new ConnectList(options.connect, options)
    if (!options.dnsSeed) log.info('DNS seeding disabled')
    this.#automatic = isChosen
      ? new AutomaticConnections(options, environment, { ...parts, addedNodes: this.#added }, nowMs)
      : undefined
    const seedOptions = {
      seeds: options.dnsSeed ? options.dnsSeeds : [],
      force: options.forceDnsSeed,
      hasSeedNodes: options.seedNodes.length > 0,
      defaultPort: options.defaultPort,
      namesThroughProxy: options.namesThroughProxy,
    }
    this.#seeds = new DnsSeeds(seedOptions, manager, random, log, name => this.#automatic?.fetchFrom(name))
  }

  /**
   * What is due now. Called when {@link OutboundPlanner.nextWake} has come, and when the network is turned off or on.
   *
   * @param nowMs since 1970, by which ages and long intervals go
   * @param steadyMs by a clock that only ever grows, by which steps follow each other even while the other clock is set, or stands
   */
  plan(snapshot: OutboundSnapshot, nowMs: number, steadyMs = nowMs): OutboundStep[] {
    const { connections, networkActive } = snapshot
    this.#networkActive = networkActive
    const fullOutbound = connections.filter(one => one.type === 'outbound-full-relay' && one.handshakeDone).length
    const steps = this.#seeds.plan(fullOutbound, networkActive, nowMs, steadyMs)
    if (networkActive) {
      const added = this.#added.plan(connections, steadyMs)
      if (added !== undefined) steps.push(added)
      steps.push(...(this.#connect?.plan(connections, steadyMs) ?? []))
    }
    steps.push(...(this.#automatic?.plan(snapshot, nowMs, steadyMs) ?? []))
    return steps
  }

  /** When to ask next, by the steady clock; undefined where nothing will ever be due. */
  nextWake(): number | undefined {
    const manual = this.#networkActive ? [this.#added, this.#connect] : []
    const wakes = [this.#seeds, this.#automatic, ...manual].map(part => part?.nextWake())
    const times = wakes.filter(wake => wake !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** The answer to a step `resolve`. */
  onResolved(name: string, endpoints: readonly NetEndpoint[], nowMs: number): void {
    this.#seeds.onResolved(name, endpoints, nowMs)
  }

  /** `addnode … onetry`, and what the owner asks for by hand: at once, beside all others. */
  connectOnce(node: string, v2: boolean): OutboundStep | undefined {
    return namedConnection(node, 'manual', v2, this.#options)
  }

  /** `addnode … add`; false where it is there already. */
  addNode(node: string, v2: boolean): boolean {
    return this.#added.add(node, v2)
  }

  /** `addnode … remove`; false where it is not there. */
  removeNode(node: string): boolean {
    return this.#added.remove(node)
  }

  addedNodes(connections: readonly PresentConnection[]): AddedNodeInfo[] {
    return this.#added.info(connections)
  }
}
