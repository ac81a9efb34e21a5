import { OperationError } from '../../base/errors.ts'
import type { LocalSocketPath, SocketAddress } from '../../base/ports/net.ts'
import { formatNetAddress, parseNetAddress, splitHostPort } from '../../bitcoin/wire/net-address-text.ts'
import type { ProxiedNetwork, ProxyOptions, ProxyServer } from './proxies.ts'

/** Where Tor's proxy is, as a rule. */
export const TOR_SOCKS_PORT_DEFAULT = 9050
const LOCAL_SOCKET_PREFIX = 'unix:'
/** What the system has room for in the name of a socket. */
const LOCAL_SOCKET_PATH_LENGTH_MAX = 107

/** bitcoind's flags about proxies. */
export interface ProxyFlags {
  /** -proxy, in order. */
  readonly proxy: readonly string[]
  /** -onion; empty where it was not given, `0` for -noonion. */
  readonly onion: string
  /** -proxyrandomize */
  readonly proxyRandomize: boolean
}

/** Looks up a name; none where it is unknown, or where names are not to be looked up. */
export type ResolveName = (name: string) => Promise<readonly string[]>

function wrong(message: string): OperationError {
  return new OperationError('bad-option', message)
}

/**
 * Where a flag says that a server is: an address, a name, or `unix:` and a path.
 *
 * @returns undefined where there is no such place; throws OperationError `bad-option` where the port is none
 */
export async function readServer(
  flag: string,
  text: string,
  defaultPort: number,
  resolve: ResolveName,
): Promise<SocketAddress | LocalSocketPath | undefined> {
  const path = text.slice(LOCAL_SOCKET_PREFIX.length)
  const isPath = text.startsWith(LOCAL_SOCKET_PREFIX) && path.length <= LOCAL_SOCKET_PATH_LENGTH_MAX
  if (isPath) return { path }
  if (text.startsWith(LOCAL_SOCKET_PREFIX)) return undefined
  const split = splitHostPort(text)
  if (split === undefined) throw wrong(`Invalid port specified in ${flag}: '${text}'`)
  const port = split.port ?? defaultPort
  const address = parseNetAddress(split.host)
  if (address !== undefined) return { host: formatNetAddress(address), port }
  const [host] = await resolve(split.host)
  return host === undefined ? undefined : { host, port }
}

/** What -proxy, -onion and -proxyrandomize say; rejects with OperationError `bad-option`, in bitcoind's words. */
export async function readProxyOptions(flags: ProxyFlags, resolve: ResolveName): Promise<ProxyOptions> {
  const isolatesStreams = flags.proxyRandomize
  const networks = new Map<ProxiedNetwork, ProxyServer | undefined>()
  let names: ProxyServer | undefined
  const read = async (flag: string, text: string): Promise<ProxyServer | undefined> => {
    if (text === '' || text === '0') return undefined
    const server = await readServer(flag, text, TOR_SOCKS_PORT_DEFAULT, resolve)
    if (server === undefined) throw wrong(`Invalid ${flag} address or hostname: '${text}'`)
    return { server, isolatesStreams }
  }
  for (const value of flags.proxy) {
    const equals = value.lastIndexOf('=')
    if (equals !== -1 && equals === value.length - 1) {
      throw wrong(`Invalid -proxy address or hostname, ends with '=': '${value}'`)
    }
    const proxy = await read('-proxy', equals === -1 ? value : value.slice(0, equals))
    const network = equals === -1 ? '' : value.slice(equals + 1).toLowerCase()
    if (network === '') {
      for (const each of ['ipv4', 'ipv6', 'onion', 'cjdns'] as const) networks.set(each, proxy)
      names = proxy
    } else if (network === 'ipv4' || network === 'ipv6') {
      networks.set(network, proxy)
      names = proxy
    } else if (network === 'onion' || network === 'cjdns') networks.set(network, proxy)
    else throw wrong(`Unrecognized network in -proxy='${value}': '${network}'`)
  }
  if (flags.onion !== '') networks.set('onion', await read('-onion', flags.onion))
  const set = [...networks].filter((entry): entry is [ProxiedNetwork, ProxyServer] => entry[1] !== undefined)
  return { networks: Object.fromEntries(set), names }
}
