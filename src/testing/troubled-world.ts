import { hostilePeers } from './hostile/hostile-peers.ts'
import { type NodeLimits, queueFaults } from './queue-limits.ts'
import { SimNetwork } from './sim-network.ts'
import type { SimNode } from './sim-node.ts'

const PEERS_MIN = 8
const PEERS_MAX = 20
const HOSTILE_SHARE = 0.3
/** Every so many worlds some nodes speak BIP324. */
const V2_EVERY = 4
const LIMITS: NodeLimits = { connectionsMax: 64, receiveBufferBytesMax: 200_000, sendBufferBytesMax: 200_000 }
const ROUNDS = 14
const CLOCK_JUMP_MS = 30 * 60_000
const CHECK_INTERVAL_MS = 5000
/** How long honest nodes may take to agree once all is well. */
const PATIENCE_MS = 60 * 60_000
/** After so long another block is found, which decides between branches of equal work. */
const BLOCK_INTERVAL_MS = 5 * 60_000

/** How a world ended. */
export interface WorldReport {
  readonly seed: number
  readonly honest: number
  readonly hostile: number
  readonly height: number
  /** Milliseconds of the world's time until all agreed again. */
  readonly agreedAfterMs: number
  readonly digest: string
  /** What was not as it should be; empty where all was. */
  readonly faults: readonly string[]
  /** The last of what happened. */
  readonly story: string
}

class TroubledWorld {
  readonly net: SimNetwork
  readonly #faults: string[] = []
  #honest: SimNode[] = []
  #hostileCount = 0
  #lastCheckMs = 0

  constructor(seed: number) {
    this.net = new SimNetwork({
      seed,
      latencyMs: [5, 300],
      bytesPerSecond: 200_000,
      lossRate: (seed % 5) / 100,
      periodMsMin: 2000,
      node: {
        p2p: { connectionsMax: LIMITS.connectionsMax },
        connections: LIMITS,
      },
    })
    this.net.clock.every(CHECK_INTERVAL_MS, () => this.#checkLimits())
  }

  async run(): Promise<WorldReport> {
    const { net } = this
    await this.#settle()
    for (let round = 0; round < ROUNDS; round++) {
      await this.#trouble()
      await net.runFor(2000 + net.random.below(15_000))
    }
    const healedMs = net.clock.timeMs
    await this.#heal()
    const agreed = await this.#agree()
    if (agreed) await this.#compareCoins()
    this.#checkLimits()
    return {
      seed: net.seed,
      honest: this.#honest.length,
      hostile: this.#hostileCount,
      height: Math.max(...this.#running.map(node => node.height)),
      agreedAfterMs: net.clock.timeMs - healedMs,
      digest: net.log.digest,
      faults: [...new Set(this.#faults)],
      story: net.repro,
    }
  }

  get #running(): SimNode[] {
    return this.#honest.filter(node => node.isRunning)
  }

  #draw<T>(values: readonly T[]): T {
    return values[this.net.random.below(values.length)]
  }

  /** The people of this world, who know a few of each other. */
  async #settle(): Promise<void> {
    const { net } = this
    const count = PEERS_MIN + net.random.below(PEERS_MAX - PEERS_MIN + 1)
    this.#hostileCount = Math.round(HOSTILE_SHARE * count)
    const hostile = await hostilePeers(net, this.#hostileCount)
    const known = new Map<SimNode, SimNode[]>()
    net.contactsOf = node => {
      const friends = known.get(node) ?? this.#friendsOf(node)
      known.set(node, friends)
      return [...friends, ...hostile].map(({ endpoint }) => endpoint)
    }
    const v2 = net.seed % V2_EVERY === 0 ? 2 : 0
    const honest = count - this.#hostileCount
    await net.nodes(honest - v2)
    if (v2 > 0) await net.nodes(v2, { p2p: { v2Transport: true } })
    this.#honest = [...net.all]
    await this.#mine()
    await net.runFor(20_000)
  }

  /** Those of a ring, so that nobody is apart, and two more. */
  #friendsOf(node: SimNode): SimNode[] {
    const { all } = this.net
    const next = all[(all.indexOf(node) + 1) % all.length]
    return [next, this.#draw(all), this.#draw(all)].filter(friend => friend !== node)
  }

  async #mine(): Promise<void> {
    const running = this.#running
    if (running.length > 0) await this.#attempt(this.#draw(running), node => node.mine(1))
  }

  /** What a full disk stops is no fault. */
  async #attempt(node: SimNode, work: (node: SimNode) => Promise<void>): Promise<void> {
    try {
      await work(node)
    } catch (error) {
      if (node.disk.isFull || !node.isRunning) return
      this.#faults.push(`${node.name}: ${(error as Error).message}`)
    }
  }

  async #trouble(): Promise<void> {
    const { net } = this
    const kind = net.random.below(19)
    const running = this.#running
    if (kind < 6 || running.length === 0) await this.#mine()
    else if (kind < 8) this.#partition()
    else if (kind < 9) net.heal()
    else if (kind < 11) this.#draw(running).crash({ power: net.random.below(2) === 0 })
    else if (kind < 13) await this.#restartAll()
    else if (kind < 14) this.#jumpClock(this.#draw(running))
    else if (kind < 15) this.#fillDisk(this.#draw(running))
    else if (kind < 16) this.#breakStreams()
    else if (kind < 18) this.#crashInFlush(this.#draw(running))
    else await this.#attempt(this.#draw(running), node => node.stop())
  }

  #partition(): void {
    const { random } = this.net
    const groups: [SimNode[], SimNode[]] = [[], []]
    for (const node of this.#honest) groups[random.below(2)].push(node)
    this.net.partition(...groups)
  }

  #jumpClock(node: SimNode): void {
    node.clockAheadMs = this.net.random.below(2 * CLOCK_JUMP_MS) - CLOCK_JUMP_MS
    this.net.say(`${node.name}'s clock jumps to ${node.clockAheadMs} ms`)
  }

  #fillDisk(node: SimNode): void {
    node.disk.isFull = true
    this.net.say(`${node.name}'s disk is full`)
  }

  /** Power goes while coins are being written, or right after. */
  #crashInFlush(node: SimNode): void {
    node.service.utxoSetInfo('none').catch(() => {
      // It will hardly be done.
    })
    this.net.clock.after(this.net.random.below(3), () => {
      if (node.isRunning) node.crash({ power: true })
    })
  }

  #breakStreams(): void {
    const { random } = this.net
    this.net.say('connections break')
    for (const node of this.#running) node.host.breakStreams(() => random.below(3) === 0)
  }

  async #restartAll(): Promise<void> {
    for (const node of this.#honest) {
      if (node.isRunning) continue
      node.disk.isFull = false
      try {
        await this.net.drive(node.start())
      } catch (error) {
        this.#faults.push(`${node.name} cannot start: ${(error as Error).message}`)
      }
    }
  }

  async #heal(): Promise<void> {
    const { net } = this
    net.heal()
    for (const node of this.#honest) {
      node.clockAheadMs = 0
      node.disk.isFull = false
      if (node.failure !== undefined && !/disk/.test(node.failure.message)) {
        this.#faults.push(`${node.name} failed: ${node.failure.message}`)
      }
    }
    await this.#restartAll()
    await net.runFor(60_000)
  }

  get #haveAgreed(): boolean {
    const tips = new Set(this.#running.map(node => node.tip))
    return tips.size === 1
  }

  async #agree(): Promise<boolean> {
    const { net } = this
    const end = net.clock.timeMs + PATIENCE_MS
    while (net.clock.timeMs < end) {
      await this.#mine()
      await net.runFor(BLOCK_INTERVAL_MS, () => this.#haveAgreed)
      // A moment later it must still be so.
      await net.runFor(2000)
      if (this.#haveAgreed) return true
    }
    const tips = this.#running.map(node => `${node.name} ${node.height} ${node.tip.slice(-8)}`)
    this.#faults.push(`no agreement: ${tips.join(', ')}`)
    return false
  }

  async #compareCoins(): Promise<void> {
    const hashes = new Set<string>()
    const tips = new Set<string>()
    for (const node of this.#running) {
      hashes.add(await node.utxoHash())
      tips.add(node.tip)
    }
    if (tips.size === 1 && hashes.size !== 1) this.#faults.push(`coins differ: ${[...hashes].join(', ')}`)
    if (this.#running.length !== this.#honest.length) this.#faults.push('not all nodes run')
  }

  #checkLimits(): void {
    if (this.net.clock.timeMs === this.#lastCheckMs) return
    this.#lastCheckMs = this.net.clock.timeMs
    const honest = this.#honest.map(({ endpoint }) => endpoint.address)
    for (const node of this.#running) {
      const { bans } = node.p2p.connections
      const now = node.p2p.context.nowSeconds
      if (honest.some(address => bans.shuns(address, now))) this.#faults.push(`${node.name} shuns an honest node`)
      this.#faults.push(...queueFaults(node, LIMITS))
    }
  }
}

/**
 * A world of 8 to 20 peers, three in ten of them hostile, with lost packets, partitions, crashes, full disks, wrong clocks and broken
 * connections; then all is well again. Honest nodes must come to agree, and must not have shunned each other.
 */
export function runTroubledWorld(seed: number): Promise<WorldReport> {
  return new TroubledWorld(seed).run()
}
