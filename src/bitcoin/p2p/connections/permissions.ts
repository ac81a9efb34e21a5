import { accept, reject, type Verdict } from '../../../base/verdict.ts'
import type { NetAddress, NetEndpoint } from '../../wire/net-address.ts'
import { parseNetEndpoint } from '../../wire/net-address-text.ts'
import { Subnet } from '../../wire/subnet.ts'
import type { Permission } from '../remote-peer.ts'

/** Permissions in the order in which RPC lists them. */
const ALL: readonly Permission[] = ['bloomfilter', 'noban', 'forcerelay', 'relay', 'mempool', 'download', 'addr']

/** What each word grants: some permissions imply others. */
const GRANTS: ReadonlyMap<string, readonly Permission[]> = new Map<string, readonly Permission[]>([
  ['bloomfilter', ['bloomfilter']],
  ['bloom', ['bloomfilter']],
  ['noban', ['noban', 'download']],
  ['forcerelay', ['forcerelay', 'relay']],
  ['relay', ['relay']],
  ['mempool', ['mempool']],
  ['download', ['download']],
  ['addr', ['addr']],
  ['all', ALL],
  ['', []],
])

/** What an owner grants. */
export interface Grant {
  readonly permissions: ReadonlySet<Permission>
  /** No permissions were named: those of -whitelistrelay and -whitelistforcerelay are meant, and `noban` and `mempool`. */
  readonly implicit: boolean
}

/** `-whitelist`: a grant to peers of a subnet. */
export interface WhitelistEntry extends Grant {
  readonly subnet: Subnet
  readonly inbound: boolean
  readonly outbound: boolean
}

/** `-whitebind`: a grant to whoever connects to an address of ours. */
export interface WhitebindEntry extends Grant {
  readonly endpoint: NetEndpoint
}

interface Parsed {
  readonly grant: Grant
  readonly inbound: boolean
  readonly outbound: boolean
  /** What stands behind the `@`. */
  readonly place: string
}

const INVALID = 'permissions-invalid'

function parseGrant(text: string, mayBeOutbound: boolean): Verdict<Parsed> {
  const at = text.indexOf('@')
  if (at < 0) {
    return accept({ grant: { permissions: new Set(), implicit: true }, inbound: true, outbound: false, place: text })
  }
  const permissions = new Set<Permission>()
  const directions = new Set<string>()
  for (const word of text.slice(0, at).split(',')) {
    if (word === 'in' || word === 'out') {
      if (word === 'out' && !mayBeOutbound) {
        return reject(INVALID, 'whitebind may only be used for incoming connections ("out" was passed)')
      }
      directions.add(word)
      continue
    }
    const granted = GRANTS.get(word)
    if (granted === undefined) return reject(INVALID, `Invalid P2P permission: '${word}'`)
    for (const permission of granted) permissions.add(permission)
  }
  if (directions.size > 0 && permissions.size === 0) {
    return reject(INVALID, `Only direction was set, no permissions: '${text}'`)
  }
  return accept({
    grant: { permissions, implicit: false },
    inbound: directions.size === 0 || directions.has('in'),
    outbound: directions.has('out'),
    place: text.slice(at + 1),
  })
}

/**
 * Reads a `-whitelist`: `[permission,…@]subnet`. A rejection's detail is the message that Core shows.
 *
 * @param options see {@link Subnet.parse}
 * @example
 * parseWhitelist('noban,in,out@10.0.0.0/8')
 */
export function parseWhitelist(text: string, options?: { readonly cjdns?: boolean }): Verdict<WhitelistEntry> {
  const parsed = parseGrant(text, true)
  if (!parsed.ok) return parsed
  const { grant, inbound, outbound, place } = parsed.value
  const subnet = Subnet.parse(place, options)
  if (subnet === undefined) return reject(INVALID, `Invalid netmask specified in -whitelist: '${place}'`)
  return accept({ ...grant, inbound, outbound, subnet })
}

/** Reads a `-whitebind`: `[permission,…@]address:port`. A rejection's detail is the message that Core shows. */
export function parseWhitebind(text: string): Verdict<WhitebindEntry> {
  const parsed = parseGrant(text, false)
  if (!parsed.ok) return parsed
  const { grant, place } = parsed.value
  const endpoint = parseNetEndpoint(place, 0)
  if (endpoint === undefined) return reject(INVALID, `Cannot resolve -whitebind address: '${place}'`)
  if (endpoint.port === 0) return reject(INVALID, `Need to specify a port with -whitebind: '${place}'`)
  return accept({ ...grant, endpoint })
}

/** What a grant without named permissions means (-whitelistrelay, -whitelistforcerelay). */
export interface ImplicitPermissions {
  readonly relay: boolean
  readonly forceRelay: boolean
}

/**
 * What a connection may do: by the address it came in at, and by the whitelist.
 *
 * @param address of the other side; undefined where it is hidden behind a proxy or a service of ours
 * @param listener the grant of the address it came in at
 */
export function permissionsOf(
  direction: 'inbound' | 'outbound',
  address: NetAddress | undefined,
  whitelist: readonly WhitelistEntry[],
  implicit: ImplicitPermissions,
  listener?: Grant,
): ReadonlySet<Permission> {
  const grants: Grant[] = listener === undefined ? [] : [listener]
  if (address !== undefined) {
    grants.push(...whitelist.filter(entry => entry[direction] && entry.subnet.contains(address)))
  }
  const words = grants.some(grant => grant.implicit) ? ['mempool', 'noban'] : []
  if (words.length > 0 && implicit.relay) words.push('relay')
  if (words.length > 0 && implicit.forceRelay) words.push('forcerelay')
  return new Set([...grants.flatMap(grant => [...grant.permissions]), ...words.flatMap(word => GRANTS.get(word) ?? [])])
}

/** The names of permissions as RPC shows them. */
export function permissionNames(permissions: ReadonlySet<Permission>): Permission[] {
  return ALL.filter(permission => permissions.has(permission))
}
