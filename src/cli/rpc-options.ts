import { isAbsolute, join } from 'node:path'
import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import { COOKIE_FILE, COOKIE_MODES, type CookieReaders } from '../rpc/cookie.ts'
import type { RpcHttpOptions } from '../rpc/http-server.ts'
import type { RpcServiceOptions } from '../rpc/serve-rpc.ts'
import { UsageError } from './read-flags.ts'
import type { Settings } from './settings.ts'
import { peersVersion } from './version.ts'

const PORT_MAX = 65_535

function invalidPort(flag: string, text: string): UsageError {
  return new UsageError(`Invalid port specified in -${flag}: '${text}'`)
}

/** Host and port of `host`, `host:port` or `[host]:port`; undefined for a port that is none. */
export function splitHostPort(text: string): { host: string; port: number | undefined } | undefined {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text)
  const single = /^([^:]*):(.*)$/.exec(text)
  const match = bracketed ?? (single !== null && !single[2].includes(':') ? single : null)
  if (match === null || match[2] === undefined) return { host: match?.[1] ?? text, port: undefined }
  if (!/^\d{1,5}$/.test(match[2])) return undefined
  const port = Number(match[2])
  return port > 0 && port <= PORT_MAX ? { host: match[1], port } : undefined
}

function rpcPort(settings: Settings, network: NetworkParams): number {
  const text = settings.text('rpcport')
  if (text === undefined) return network.rpcPort
  if (!/^\d{1,5}$/.test(text) || Number(text) === 0 || Number(text) > PORT_MAX) throw invalidPort('rpcport', text)
  return Number(text)
}

/** Where to listen: on this machine alone, unless both -rpcbind and -rpcallowip say otherwise. */
function bindings(settings: Settings, network: NetworkParams, warn: (message: string) => void): RpcHttpOptions['bind'] {
  const port = rpcPort(settings, network)
  const allowed = settings.list('rpcallowip').length > 0
  const binds = settings.list('rpcbind')
  const split = binds.map(text => {
    const found = splitHostPort(text)
    if (found === undefined) throw invalidPort('rpcbind', text)
    return { host: found.host, port: found.port ?? port }
  })
  if (allowed && binds.length > 0) return split
  if (allowed) warn("Option -rpcallowip was specified without -rpcbind; this doesn't usually make sense")
  if (binds.length > 0) {
    warn('Option -rpcbind was ignored because -rpcallowip was not specified, refusing to allow everyone to connect')
  }
  return [
    { host: '::1', port },
    { host: '127.0.0.1', port },
  ]
}

function cookieReaders(settings: Settings): CookieReaders {
  const text = settings.text('rpccookieperms') ?? 'owner'
  if (Object.hasOwn(COOKIE_MODES, text)) return text as CookieReaders
  throw new UsageError(`Invalid -rpccookieperms=${text}; must be one of 'owner', 'group', or 'all'.`)
}

/** The cookie file that settings name; undefined for none. */
export function cookiePath(settings: Settings, networkFolder: string): string | undefined {
  if (settings.isNegated('rpccookiefile')) return undefined
  const file = settings.text('rpccookiefile') || COOKIE_FILE
  return isAbsolute(file) ? file : join(networkFolder, file)
}

/** How RPC is to be served. Throws {@link UsageError}. */
export function rpcOptions(
  settings: Settings,
  network: NetworkParams,
  networkFolder: string,
  warn: (message: string) => void,
): Omit<RpcServiceOptions, 'logPath'> {
  const password = settings.text('rpcpassword') ?? ''
  const allowedSubnets = settings.list('rpcallowip')
  const path = cookiePath(settings, networkFolder)
  const readers = cookieReaders(settings)
  return {
    http: {
      bind: bindings(settings, network, warn),
      timeoutSeconds: Math.max(settings.int('rpcservertimeout') ?? 30, 1),
      threads: Math.max(settings.int('rpcthreads') ?? 16, 1),
      workQueue: Math.max(settings.int('rpcworkqueue') ?? 64, 1),
      anyHost: allowedSubnets.length > 0,
    },
    allowedSubnets,
    cookie: path === undefined ? undefined : { path, readers },
    password: password === '' ? undefined : { user: settings.text('rpcuser') ?? '', password },
    rpcAuth: settings.list('rpcauth'),
    deprecated: new Set(settings.list('deprecatedrpc')),
    version: peersVersion(),
    mempoolSizeMaxBytes: (settings.int('maxmempool') ?? 300) * 1_000_000,
  }
}
