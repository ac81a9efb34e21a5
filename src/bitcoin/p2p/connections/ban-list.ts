import { RollingFilter } from '../../../base/collections/rolling-filter.ts'
import type { Random } from '../../../base/ports/random.ts'
import { accept, reject, type Verdict } from '../../../base/verdict.ts'
import { encodeLegacyAddress, isLegacyCompatible, type NetAddress } from '../../wire/net-address.ts'
import { Subnet } from '../../wire/subnet.ts'

/** Subnets that may be banned at the same time. */
export const BANS_MAX = 100_000

/** How long a ban lasts unless said. */
export const DEFAULT_BAN_SECONDS = 24 * 60 * 60

/** Discouraged addresses that are remembered, and the rate at which others are taken for them. */
const DISCOURAGED_MAX = 50_000
const DISCOURAGED_FALSE_POSITIVE_RATE = 1e-6

const FILE_VERSION = 1

/** A ban, as `listbanned` shows it. */
export interface BanEntry {
  readonly subnet: Subnet
  /** Seconds since 1970; likewise below. */
  readonly createdSeconds: number
  readonly untilSeconds: number
}

/** How long a ban is to last. */
export interface BanTime {
  /** Seconds from now on, or since 1970 where `absolute`; {@link DEFAULT_BAN_SECONDS} from now on where it is not above 0. */
  readonly seconds?: number
  readonly absolute?: boolean
}

/**
 * Whom we want nothing to do with: subnets that the owner banned for a time, and single addresses whose peers broke rules. The latter
 * are discouraged: not connected to, and refused when slots are scarce; they are forgotten one day, and at a restart.
 */
export class BanList {
  readonly #bans = new Map<string, BanEntry>()
  readonly #discouraged: RollingFilter
  readonly #defaultSeconds: number
  #dirty = false

  constructor(random: Random, defaultSeconds = DEFAULT_BAN_SECONDS) {
    this.#discouraged = new RollingFilter(DISCOURAGED_MAX, DISCOURAGED_FALSE_POSITIVE_RATE, random)
    this.#defaultSeconds = defaultSeconds
  }

  /** Whether anything has changed since the list was last written (see {@link BanList.toJson}). */
  get isDirty(): boolean {
    return this.#dirty
  }

  /**
   * Bans a subnet, or prolongs its ban; one that lasts longer already stays.
   *
   * @returns whether anything changed; false also where the list is full
   */
  ban(subnet: Subnet, { seconds = 0, absolute = false }: BanTime, nowSeconds: number): boolean {
    const untilSeconds = seconds <= 0 ? nowSeconds + this.#defaultSeconds : absolute ? seconds : nowSeconds + seconds
    const known = this.#bans.get(subnet.text)
    if (known === undefined ? this.#bans.size >= BANS_MAX : known.untilSeconds >= untilSeconds) return false
    this.#bans.set(subnet.text, { subnet, createdSeconds: nowSeconds, untilSeconds })
    this.#dirty = true
    return true
  }

  /** Lifts the ban of exactly this subnet; says whether there was one. */
  unban(subnet: Subnet): boolean {
    const lifted = this.#bans.delete(subnet.text)
    this.#dirty ||= lifted
    return lifted
  }

  /** Lifts all bans. Discouraged addresses stay so. */
  clear(): void {
    this.#bans.clear()
    this.#dirty = true
  }

  /** Whether an address lies in any banned subnet. */
  isBanned(address: NetAddress, nowSeconds: number): boolean {
    for (const { subnet, untilSeconds } of this.#bans.values()) {
      if (nowSeconds < untilSeconds && subnet.contains(address)) return true
    }
    return false
  }

  /** Whether exactly this subnet is banned. */
  isSubnetBanned(subnet: Subnet, nowSeconds: number): boolean {
    return nowSeconds < (this.#bans.get(subnet.text)?.untilSeconds ?? 0)
  }

  discourage(address: NetAddress): void {
    this.#discouraged.insert(addressBytes(address))
  }

  isDiscouraged(address: NetAddress): boolean {
    return this.#discouraged.has(addressBytes(address))
  }

  /** Whether there is anything against an address. */
  shuns(address: NetAddress, nowSeconds: number): boolean {
    return this.isDiscouraged(address) || this.isBanned(address, nowSeconds)
  }

  /** Drops bans that are over; gives the subnets. */
  sweep(nowSeconds: number): Subnet[] {
    const over = [...this.#bans.values()].filter(entry => nowSeconds > entry.untilSeconds).map(entry => entry.subnet)
    for (const subnet of over) this.unban(subnet)
    return over
  }

  /** The bans in Core's order, those that are over left out. */
  entries(nowSeconds: number): BanEntry[] {
    this.sweep(nowSeconds)
    return [...this.#bans.values()].sort((a, b) => Subnet.compare(a.subnet, b.subnet))
  }

  /** The text of banlist.json, in Core's format; the list counts as written. */
  toJson(nowSeconds: number): string {
    const entries = this.entries(nowSeconds).map(({ subnet, createdSeconds, untilSeconds }) => ({
      version: FILE_VERSION,
      ban_created: createdSeconds,
      banned_until: untilSeconds,
      address: subnet.text,
    }))
    this.#dirty = false
    return `${JSON.stringify({ banned_nets: entries }, null, 4)}\n`
  }

  /**
   * Takes in the text of a banlist.json: all of it, or nothing (`banlist-damaged`).
   *
   * @returns lines for the log, on entries that are dropped
   */
  load(text: string, nowSeconds: number, options?: { readonly cjdns?: boolean }): Verdict<string[]> {
    const parsed = parseEntries(text, options)
    if (!parsed.ok) return parsed
    for (const entry of parsed.value.entries.slice(0, BANS_MAX)) this.#bans.set(entry.subnet.text, entry)
    this.sweep(nowSeconds)
    return accept(parsed.value.dropped)
  }
}

function addressBytes(address: NetAddress): Uint8Array {
  return isLegacyCompatible(address) ? encodeLegacyAddress(address) : address.bytes
}

const DAMAGED = 'banlist-damaged'

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseEntries(
  text: string,
  options?: { readonly cjdns?: boolean },
): Verdict<{ entries: BanEntry[]; dropped: string[] }> {
  const json = parseJson(text)
  const list = isRecord(json) ? json['banned_nets'] : undefined
  if (!Array.isArray(list)) return reject(DAMAGED, 'banned_nets is missing')
  const entries: BanEntry[] = []
  const dropped: string[] = []
  for (const item of list as readonly unknown[]) {
    if (!isRecord(item)) return reject(DAMAGED, 'an entry is no object')
    const { version, address, ban_created: createdSeconds, banned_until: untilSeconds } = item
    if (!Number.isSafeInteger(version)) return reject(DAMAGED, 'a version is no number')
    if (version !== FILE_VERSION) {
      dropped.push(`Dropping entry with unknown version (${version}) from ban list`)
      continue
    }
    if (typeof address !== 'string') return reject(DAMAGED, 'an address is no text')
    const subnet = Subnet.parse(address, options)
    if (subnet === undefined) {
      dropped.push(`Dropping entry with unparseable address or subnet (${address}) from ban list`)
      continue
    }
    if (!isTime(createdSeconds) || !isTime(untilSeconds)) return reject(DAMAGED, 'a time is no number')
    entries.push({ subnet, createdSeconds, untilSeconds })
  }
  return accept({ entries, dropped })
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
