import type { SocketAddress } from '../base/ports/net.ts'
import { DEFAULT_BAN_SECONDS } from '../bitcoin/p2p/connections/ban-list.ts'
import { parseWhitebind, parseWhitelist } from '../bitcoin/p2p/connections/permissions.ts'
import type { ListenerOptions } from '../bitcoin/p2p/p2p-options.ts'
import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import type { NetEndpoint } from '../bitcoin/wire/net-address.ts'
import { formatNetAddress, parseNetEndpoint } from '../bitcoin/wire/net-address-text.ts'
import { SERVICES } from '../bitcoin/wire/services.ts'
import { DEFAULT_CONNECTIONS_OPTIONS, type ListenRequest } from '../node/net/connections.ts'
import type { NetworkHelpersOptions } from '../node/net/network-helpers.ts'
import type { NetworkOptions } from '../node/p2p/network-options.ts'
import { fixedSeeds } from './fixed-seeds.ts'
import { allowsNetwork, asksDnsSeeds, hasProxy, reachableNetworks } from './reachable-networks.ts'
import { UsageError } from './read-flags.ts'
import type { Settings } from './settings.ts'
import { peersVersion } from './version.ts'

const DEFAULT_CONNECTIONS_MAX = 125
/** Sockets besides those of the connections that count: addnode's, and what is refused. */
const EXTRA_SOCKETS = 35
const DEFAULT_PEER_TIMEOUT_SECONDS = 60
const DEFAULT_CONNECT_TIMEOUT_MS = 5000
const USER_AGENT_BYTES_MAX = 256
const MIB = 1 << 20
const PORT_MAX = 65_535

/** Where to listen, with what holds for who comes in there. */
interface ListenPlace extends ListenerOptions, ListenRequest {}

function bindAddress(text: string, defaultPort: number, flag: string, whole: string): SocketAddress {
  const endpoint = parseNetEndpoint(text, defaultPort)
  if (endpoint === undefined) throw new UsageError(`Cannot resolve -${flag} address: '${whole}'`)
  return { host: formatNetAddress(endpoint.address), port: endpoint.port }
}

function portOf(settings: Settings, network: NetworkParams): number {
  const port = settings.int('port') ?? network.defaultPort
  if (port < 1 || port > PORT_MAX) throw new UsageError(`Invalid port specified in -port: '${settings.text('port')}'`)
  return port
}

/** No two listeners can have one address. */
function checkDuplicates(places: readonly ListenPlace[]): void {
  const seen = new Set<string>()
  for (const { at } of places) {
    const text = at.host.includes(':') ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`
    if (seen.has(text)) {
      throw new UsageError(
        `Duplicate binding configuration for address ${text}. Please check your -bind, -bind=...=onion and -whitebind settings.`,
      )
    }
    seen.add(text)
  }
}

function listenPlaces(settings: Settings, network: NetworkParams): ListenPlace[] {
  const port = portOf(settings, network)
  const plain = { grant: undefined, isOnion: false, isOptional: false }
  const places: ListenPlace[] = []
  for (const text of settings.list('bind')) {
    const isOnion = text.endsWith('=onion')
    const address = isOnion ? text.slice(0, -'=onion'.length) : text
    places.push({ ...plain, at: bindAddress(address, isOnion ? port + 1 : port, 'bind', text), isOnion })
  }
  for (const text of settings.list('whitebind')) {
    const entry = parseWhitebind(text)
    if (!entry.ok) throw new UsageError(entry.detail ?? entry.code)
    const { endpoint, permissions, implicit } = entry.value
    const at = { host: formatNetAddress(endpoint.address), port: endpoint.port }
    places.push({ ...plain, at, grant: { permissions, implicit } })
  }
  checkDuplicates(places)
  if (places.length > 0) return places
  return [
    { ...plain, at: { host: '0.0.0.0', port } },
    { ...plain, at: { host: '::', port }, isOptional: true },
    { ...plain, at: { host: '127.0.0.1', port: port + 1 }, isOnion: true },
  ]
}

/** Whether connections are taken: unless the owner has said no, or chosen whom alone to connect to. */
function listens(settings: Settings, connectionsMax: number): boolean {
  const chosen = settings.bool('listen')
  if (chosen !== undefined) return chosen
  if (settings.list('bind').length + settings.list('whitebind').length > 0) return true
  // Whoever hides behind a proxy is not to be found by connecting to it.
  return !hasProxy(settings) && connectOnly(settings) === undefined && connectionsMax > 0
}

function externalAddress(text: string, network: NetworkParams, settings: Settings): NetEndpoint {
  const endpoint = parseNetEndpoint(text, settings.int('port') ?? network.defaultPort)
  if (endpoint === undefined) throw new UsageError(`Cannot resolve -externalip address: '${text}'`)
  return endpoint
}

/** -whitelist, each entry valid. */
function whitelist(settings: Settings): string[] {
  const entries = settings.list('whitelist')
  for (const text of entries) {
    const entry = parseWhitelist(text)
    if (!entry.ok) throw new UsageError(entry.detail ?? entry.code)
  }
  return entries
}

/** Tor, I2P and the router at home, where they are wanted. */
function helpersOf(settings: Settings, network: NetworkParams, places: readonly ListenPlace[]): NetworkHelpersOptions {
  const port = settings.int('port') ?? network.defaultPort
  const sam = settings.text('i2psam') ?? ''
  const listens = places.length > 0
  // Tor leads to the address that is set aside for it, else to the first.
  const at = (places.find(({ isOnion }) => isOnion) ?? places[0])?.at
  const target = at === undefined ? undefined : parseNetEndpoint(at.host, at.port)
  const wantsTor = listens && (settings.bool('listenonion') ?? true)
  return {
    tor:
      wantsTor && target !== undefined
        ? {
            control: settings.text('torcontrol') ?? '127.0.0.1:9051',
            password: settings.text('torpassword') ?? '',
            reachesOnion: allowsNetwork(settings, 'onion'),
            findsProxy: (settings.text('onion') ?? '') === '' && !settings.isNegated('onion'),
            target,
          }
        : undefined,
    i2p:
      sam === '' || sam === '0'
        ? undefined
        : { sam, acceptsIncoming: listens && (settings.bool('i2pacceptincoming') ?? true) },
    mappedPort: listens && (settings.bool('natpmp') ?? !network.isMockable) ? port : undefined,
  }
}

/** BIP14 */
function userAgent(settings: Settings): string {
  const comments = settings.list('uacomment')
  const agent = `/Peers:${peersVersion()}${comments.length > 0 ? `(${comments.join('; ')})` : ''}/`
  if (agent.length > USER_AGENT_BYTES_MAX) {
    throw new UsageError(
      `Total length of network version string (${agent.length}) exceeds maximum length (${USER_AGENT_BYTES_MAX}). ` +
        'Reduce the number or size of uacomments.',
    )
  }
  return agent
}

/** -connect: undefined where nobody is named. */
function connectOnly(settings: Settings): string[] | undefined {
  const names = settings.list('connect')
  if (names.length === 0) return settings.isNegated('connect') ? [] : undefined
  return names.length === 1 && names[0] === '0' ? [] : names
}

function ownServices(settings: Settings): bigint {
  let services = SERVICES.NODE_WITNESS | SERVICES.NODE_NETWORK_LIMITED
  if ((settings.int('prune') ?? 0) === 0) services |= SERVICES.NODE_NETWORK
  if (settings.bool('v2transport') ?? true) services |= SERVICES.NODE_P2P_V2
  if (settings.bool('peerbloomfilters') ?? false) services |= SERVICES.NODE_BLOOM
  if (settings.bool('peerblockfilters') ?? false) services |= SERVICES.NODE_COMPACT_FILTERS
  return services
}

/** How a daemon deals with the network. Throws {@link UsageError}, its message as bitcoind's. */
export function networkOptions(settings: Settings, network: NetworkParams): NetworkOptions {
  const connectionsMax = settings.int('maxconnections') ?? DEFAULT_CONNECTIONS_MAX
  const places = listens(settings, connectionsMax) ? listenPlaces(settings, network) : []
  const helpers = helpersOf(settings, network, places)
  const peerTimeoutMs = 1000 * (settings.int('peertimeout') ?? DEFAULT_PEER_TIMEOUT_SECONDS)
  const logIps = settings.bool('logips') ?? false
  return {
    p2p: {
      userAgent: userAgent(settings),
      services: ownServices(settings),
      blocksOnly: settings.bool('blocksonly') ?? false,
      logsAddresses: logIps,
      v2Transport: settings.bool('v2transport') ?? true,
      connectionsMax,
      inboundRelayPercent: Math.min(Math.max(settings.int('inboundrelaypercent') ?? 50, 0), 100),
      peerTimeoutMs,
      banSeconds: settings.int('bantime') ?? DEFAULT_BAN_SECONDS,
      whitelist: whitelist(settings),
      implicitPermissions: {
        relay: settings.bool('whitelistrelay') ?? true,
        forceRelay: settings.bool('whitelistforcerelay') ?? false,
      },
      connect: connectOnly(settings),
      addNodes: settings.list('addnode'),
      seedNodes: settings.list('seednode'),
      dnsSeed: asksDnsSeeds(settings, connectOnly(settings) === undefined && connectionsMax > 0),
      forceDnsSeed: settings.bool('forcednsseed') ?? false,
      namesThroughProxy: hasProxy(settings),
      fixedSeeds: (settings.bool('fixedseeds') ?? true) ? fixedSeeds(network) : undefined,
      discover:
        settings.bool('discover') ??
        (places.length > 0 && settings.list('externalip').length === 0 && !hasProxy(settings)),
      externalAddresses: settings.list('externalip').map(text => externalAddress(text, network, settings)),
      listenPort: portOf(settings, network),
      reachableNetworks: reachableNetworks(settings, helpers.tor?.findsProxy ?? false),
      deterministicAddresses: settings.list('test').includes('addrman'),
      listeners: places.map(({ grant, isOnion }) => ({ grant, isOnion })),
    },
    connections: {
      ...DEFAULT_CONNECTIONS_OPTIONS,
      receiveBufferBytesMax: 1000 * (settings.int('maxreceivebuffer') ?? 5000),
      sendBufferBytesMax: 1000 * (settings.int('maxsendbuffer') ?? 1000),
      handshakeTimeoutMs: peerTimeoutMs,
      inboundSocketsMax: connectionsMax + EXTRA_SOCKETS,
      uploadTargetBytes: MIB * (settings.int('maxuploadtarget') ?? 0),
      networkActive: settings.bool('networkactive') ?? true,
      logIps,
      cjdnsReachable: settings.bool('cjdnsreachable') ?? false,
    },
    listen: places.map(({ at, isOptional }) => ({ at, isOptional })),
    helpers,
    proxies: {
      proxy: settings.list('proxy'),
      onion: settings.text('onion') ?? '',
      proxyRandomize: settings.bool('proxyrandomize') ?? true,
    },
    connectTimeoutMs: settings.int('timeout') ?? DEFAULT_CONNECT_TIMEOUT_MS,
    looksUpNames: settings.bool('dns') ?? true,
  }
}
