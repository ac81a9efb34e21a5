import { concatBytes } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { OperationError } from '../../base/errors.ts'
import type { Log } from '../log.ts'
import type { HeldStream } from './held-stream.ts'
import { StreamReader } from './stream-reader.ts'

/** How long a proxy may take for each answer, the one included that waits for the peer; as Core has it. */
const SOCKS5_TIMEOUT_MS = 20_000

const VERSION = 5
const METHOD_NONE = 0
const METHOD_PASSWORD = 2
const COMMAND_CONNECT = 1
const ADDRESS_IPV4 = 1
const ADDRESS_NAME = 3
const ADDRESS_IPV6 = 4

/** RFC 1928, and Tor's socks-extensions from 0xf0 on, in Core's words. */
const FAILURES: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: 'connection not allowed',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'TTL expired',
  7: 'protocol error',
  8: 'address type not supported',
  240: 'onion service descriptor can not be found',
  241: 'onion service descriptor is invalid',
  242: 'onion service introduction failed',
  243: 'onion service rendezvous failed',
  244: 'onion service missing client authorization',
  245: 'onion service wrong client authorization',
  246: 'onion service invalid address',
  247: 'onion service introduction timed out',
}

/** RFC 1929. */
export interface ProxyCredentials {
  readonly username: string
  readonly password: string
}

/** Where a proxy is to lead. */
export interface Socks5Request {
  /** An address or a name; proxies get either as a name, so that nothing is looked up here. */
  readonly host: string
  readonly port: number
  readonly credentials: ProxyCredentials | undefined
}

function failed(message: string): OperationError {
  return new OperationError('connect-failed', message)
}

function sized(text: string): Uint8Array {
  const bytes = utf8(text)
  if (bytes.length > 255) throw failed('Hostname too long')
  return concatBytes(Uint8Array.of(bytes.length), bytes)
}

async function authenticate(reader: StreamReader, credentials: ProxyCredentials, log: Log): Promise<void> {
  log.debug('proxy', 'SOCKS5 sending username/password authentication')
  reader.write(concatBytes(Uint8Array.of(1), sized(credentials.username), sized(credentials.password)))
  const [version, status] = await reader.bytes(2, SOCKS5_TIMEOUT_MS)
  if (version !== 1 || status !== 0) throw failed('Proxy authentication unsuccessful')
}

async function agree(reader: StreamReader, request: Socks5Request, log: Log): Promise<void> {
  const { credentials } = request
  const methods = credentials === undefined ? [METHOD_NONE] : [METHOD_NONE, METHOD_PASSWORD]
  reader.write(Uint8Array.of(VERSION, methods.length, ...methods))
  const [version, method] = await reader.bytes(2, SOCKS5_TIMEOUT_MS)
  if (version !== VERSION) throw failed('Proxy failed to initialize')
  if (method === METHOD_PASSWORD && credentials !== undefined) await authenticate(reader, credentials, log)
  else if (method !== METHOD_NONE) {
    throw failed(`Proxy requested wrong authentication method ${method.toString(16).padStart(2, '0')}`)
  }
}

/** The address that the proxy connects from, which says nothing to us. */
async function skipAddress(reader: StreamReader, type: number): Promise<void> {
  let length: number
  if (type === ADDRESS_IPV4) length = 4
  else if (type === ADDRESS_IPV6) length = 16
  else if (type === ADDRESS_NAME) [length] = await reader.bytes(1, SOCKS5_TIMEOUT_MS)
  else throw failed('Error: malformed proxy response')
  await reader.bytes(length + 2, SOCKS5_TIMEOUT_MS)
}

async function converse(reader: StreamReader, request: Socks5Request, log: Log): Promise<void> {
  const { host, port } = request
  log.debug('net', `SOCKS5 connecting ${host}`)
  const destination = sized(host)
  await agree(reader, request, log)
  const head = Uint8Array.of(VERSION, COMMAND_CONNECT, 0, ADDRESS_NAME)
  reader.write(concatBytes(head, destination, Uint8Array.of(port >>> 8, port & 255)))
  const [version, status, reserved, type] = await reader.bytes(4, SOCKS5_TIMEOUT_MS)
  if (version !== VERSION) throw failed('Proxy failed to accept request')
  if (status !== 0) {
    const why = FAILURES[status] ?? `unknown (0x${status.toString(16).padStart(2, '0')})`
    throw failed(`Socks5() connect to ${host}:${port} failed: ${why}`)
  }
  if (reserved !== 0) throw failed('Error: malformed proxy response')
  await skipAddress(reader, type)
  log.debug('net', `SOCKS5 connected ${host}`)
}

/**
 * RFC 1928: has a proxy at the other end of a stream connect it to a host. The stream is closed where that fails, with OperationError
 * `connect-failed`.
 */
export async function connectThroughSocks5(held: HeldStream, request: Socks5Request, log: Log): Promise<HeldStream> {
  const reader = new StreamReader(held, 'the proxy')
  try {
    await converse(reader, request, log)
    return reader.release()
  } catch (error) {
    reader.destroy()
    // Peers that cannot be reached are common, behind Tor above all.
    log.debug('net', (error as Error).message)
    throw error instanceof OperationError && error.code === 'connect-failed' ? error : failed((error as Error).message)
  }
}
