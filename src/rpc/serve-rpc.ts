import type { AddressInfo } from 'node:net'
import { OperationError } from '../base/errors.ts'
import type { Peer } from '../node/peer.ts'
import { loadCrypto } from '../platform/crypto.ts'
import { AllowedAddresses } from './allowed-addresses.ts'
import { Authorization } from './authorization.ts'
import type { RpcContext, RpcPeers } from './context.ts'
import { COOKIE_USER, type CookieReaders, removeCookie, writeCookie } from './cookie.ts'
import { RpcDispatcher } from './dispatch.ts'
import { RPC_HTTP_DEFAULTS, type RpcHttpOptions, RpcHttpServer } from './http-server.ts'
import { MethodTable } from './method-table.ts'
import { RPC_METHODS } from './methods/rpc-methods.ts'
import { SWARM_METHODS } from './methods/swarm-methods.ts'

/** Options of {@link serveRpc}; the defaults are bitcoind's. */
export interface RpcServiceOptions {
  readonly http: RpcHttpOptions
  /** Subnets that may connect besides this machine. */
  readonly allowedSubnets: readonly string[]
  /** Where to write a password for programs of this machine; undefined for none. */
  readonly cookie: { readonly path: string; readonly readers: CookieReaders } | undefined
  /** -rpcuser and -rpcpassword. */
  readonly password: { readonly user: string; readonly password: string } | undefined
  /** Entries of -rpcauth. */
  readonly rpcAuth: readonly string[]
  /** Methods whose former answers are wanted. */
  readonly deprecated: ReadonlySet<string>
  /** Where the log file is; empty for none. */
  readonly logPath: string
  readonly mempoolSizeMaxBytes: number
  /** The package's version, such as `0.1.0`. */
  readonly version: string
}

export const RPC_SERVICE_DEFAULTS: RpcServiceOptions = {
  http: RPC_HTTP_DEFAULTS,
  allowedSubnets: [],
  cookie: undefined,
  password: undefined,
  rpcAuth: [],
  deprecated: new Set(),
  logPath: '',
  mempoolSizeMaxBytes: 300_000_000,
  version: '0.0.0',
}

/** A peer's RPC interface at work. */
export interface RpcService {
  readonly addresses: readonly AddressInfo[]
  /** Lets requests in progress finish, closes all connections and removes the cookie. Begins by itself when the peer stops. */
  stop(): Promise<void>
}

function authorize(
  options: RpcServiceOptions,
  peer: Peer,
): { authorization: Authorization; cookie: string | undefined } {
  const authorization = new Authorization()
  let cookie: string | undefined
  if (options.password !== undefined) {
    peer.log.info('Using rpcuser/rpcpassword authentication.')
    peer.log.warning(
      'The password of -rpcpassword stands in plain text in the configuration; the cookie file or -rpcauth are safer.',
    )
    authorization.addPassword(options.password.user, options.password.password)
  } else if (options.cookie !== undefined) {
    cookie = writeCookie(options.cookie.path, options.cookie.readers)
    peer.log.info(`Generated RPC authentication cookie ${options.cookie.path}`)
    peer.log.info('Using random cookie authentication.')
    authorization.addPassword(COOKIE_USER, cookie)
  } else {
    peer.log.info('RPC authentication cookie file generation is disabled.')
  }
  if (options.rpcAuth.length > 0) peer.log.info('Using rpcauth authentication.')
  for (const entry of options.rpcAuth) authorization.addRpcAuth(entry)
  return { authorization, cookie }
}

async function contextOf(peer: Peer, options: RpcServiceOptions, table: MethodTable): Promise<RpcContext> {
  return {
    network: peer.network,
    ledger: peer.ledger,
    crypto: await loadCrypto(),
    clock: {
      nowSeconds: () => peer.clock.nowSeconds(),
      setMockTime: seconds => peer.setMockTime(seconds),
      uptimeSeconds: () => peer.clock.uptimeSeconds(),
    },
    log: peer.log,
    logPath: options.logPath,
    mempoolSizeMaxBytes: options.mempoolSizeMaxBytes,
    lastTemplate: undefined,
    deprecated: options.deprecated,
    help: name => table.help(name),
    activeCalls: () => table.activeCalls,
    shutdown: () => void peer.stop(),
    isShuttingDown: () => peer.isStopping,
    onShutdown: listener => peer.onShutdown(listener),
    clientVersion: clientVersion(options.version),
    peers: () => rpcPeers(peer),
    swarm: () => peer.swarm,
    warnings: () => [],
  }
}

function rpcPeers(peer: Peer): RpcPeers | undefined {
  const { p2p, ledger } = peer
  if (p2p === undefined) return undefined
  const { connections, options } = p2p
  return {
    calls: ledger,
    userAgent: options.p2p.userAgent,
    services: options.p2p.services,
    blocksOnly: options.p2p.blocksOnly,
    v2Transport: options.p2p.v2Transport,
    trafficOf: connection => connections.trafficOf(connection),
    totals: () => connections.totals,
    isActive: () => connections.networkActive,
    setActive: active => connections.setNetworkActive(active),
    networkReach: name => p2p.reachOf(name),
  }
}

/** `1.2.3` as 10203 with two more digits, which bitcoind's version has too. */
function clientVersion(version: string): number {
  const [major, minor, patch] = version.split('.').map(part => Number.parseInt(part, 10))
  return 10_000 * major + 100 * minor + patch
}

/** The subnets as one list; throws OperationError `rpc-subnet-invalid`. */
function allowedAddresses(subnets: readonly string[]): AllowedAddresses {
  const allowed = new AllowedAddresses()
  for (const subnet of subnets) {
    if (allowed.add(subnet)) continue
    throw new OperationError(
      'rpc-subnet-invalid',
      `Invalid -rpcallowip subnet specification: ${subnet}. Valid values are a single IP (e.g. 1.2.3.4), ` +
        'a network/netmask (e.g. 1.2.3.4/255.255.255.0), a network/CIDR (e.g. 1.2.3.4/24), all ipv4 (0.0.0.0/0), ' +
        'or all ipv6 (::/0). RFC4193 is allowed only if -cjdnsreachable=0.',
    )
  }
  return allowed
}

/**
 * Serves a peer's methods over HTTP, from before its ledger is open (callers hear so, error -28) until it stops. Throws
 * OperationError `rpc-bind-failed`, `rpc-subnet-invalid`, `rpcauth-invalid` or `cookie-unwritable`.
 *
 * @example
 * const rpc = await serveRpc(peer, { http: { ...RPC_HTTP_DEFAULTS, bind: [{ host: '127.0.0.1', port: 0 }] } })
 * console.log(rpc.addresses[0].port)
 */
export async function serveRpc(peer: Peer, changes: Partial<RpcServiceOptions>): Promise<RpcService> {
  const options = { ...RPC_SERVICE_DEFAULTS, ...changes }
  const allowed = allowedAddresses(options.allowedSubnets)
  const table = new MethodTable(peer.hasSwarm ? [...RPC_METHODS, ...SWARM_METHODS] : RPC_METHODS)
  const dispatcher = new RpcDispatcher({
    table,
    context: await contextOf(peer, options, table),
    warmupStatus: () => peer.warmupStatus,
    onFailure: (method, error) => {
      if (error instanceof OperationError) peer.log.warning(`RPC method ${method} failed: ${error.message}`)
      else peer.log.error(`RPC method ${method} failed: ${error instanceof Error ? error.stack : String(error)}`)
    },
  })
  const { authorization, cookie } = authorize(options, peer)
  const removeOwnCookie = (): void => {
    if (options.cookie !== undefined && cookie !== undefined) removeCookie(options.cookie.path, cookie)
  }
  const server = new RpcHttpServer({ options: options.http, dispatcher, authorization, allowed, log: peer.log })
  let addresses: readonly AddressInfo[]
  try {
    addresses = await server.start()
  } catch (error) {
    removeOwnCookie()
    throw error
  }
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= server.stop().finally(removeOwnCookie)
    return stopping
  }
  peer.onShutdown(() => void stop())
  return { addresses, stop }
}
