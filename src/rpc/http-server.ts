import { isUtf8 } from 'node:buffer'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP, type Socket } from 'node:net'
import { OperationError } from '../base/errors.ts'
import type { Log } from '../node/log.ts'
import type { AllowedAddresses } from './allowed-addresses.ts'
import type { Authorization } from './authorization.ts'
import type { RpcCaller, RpcDispatcher } from './dispatch.ts'

/** Options of {@link RpcHttpServer}; the defaults are bitcoind's. */
export interface RpcHttpOptions {
  /** Where to listen; an address that cannot be bound is left out as long as another can. */
  readonly bind: readonly { readonly host: string; readonly port: number }[]
  /** How long a client may take over a request, and idle between two. */
  readonly timeoutSeconds: number
  /** Requests that are carried out at once, and those that may wait for them. */
  readonly threads: number
  readonly workQueue: number
  /** Whether any Host header is taken, which is needed where other machines call by names of theirs. */
  readonly anyHost: boolean
}

export const RPC_HTTP_DEFAULTS: RpcHttpOptions = {
  bind: [],
  timeoutSeconds: 30,
  threads: 16,
  workQueue: 64,
  anyHost: false,
}

/** Core's MAX_SIZE: the largest body of a request. */
export const RPC_BODY_SIZE_MAX = 0x0200_0000
/** Request line and headers together. */
const HEADERS_SIZE_MAX = 8192
/** Held back before a wrong password is answered, so that guessing is slow. */
const WRONG_PASSWORD_DELAY_MS = 250

const NO_STORE = { 'Cache-Control': 'no-store' }

/** Serves JSON-RPC over HTTP on `/` and `/wallet/<name>`. */
export class RpcHttpServer {
  readonly #options: RpcHttpOptions
  readonly #dispatcher: RpcDispatcher
  readonly #authorization: Authorization
  readonly #allowed: AllowedAddresses
  readonly #log: Log
  readonly #servers: Server[] = []
  /** The last request of each connection: answers keep the order of requests, and so does their execution. */
  readonly #lastOnSocket = new WeakMap<Socket, Promise<void>>()
  #inFlight = 0
  #stopping = false

  constructor(parts: {
    options: Partial<RpcHttpOptions>
    dispatcher: RpcDispatcher
    authorization: Authorization
    allowed: AllowedAddresses
    log: Log
  }) {
    this.#options = { ...RPC_HTTP_DEFAULTS, ...parts.options }
    this.#dispatcher = parts.dispatcher
    this.#authorization = parts.authorization
    this.#allowed = parts.allowed
    this.#log = parts.log
  }

  /** Starts to listen; returns where. Throws OperationError `rpc-bind-failed` where no address can be bound. */
  async start(): Promise<readonly AddressInfo[]> {
    const bound: AddressInfo[] = []
    for (const { host, port } of this.#options.bind) {
      const server = this.#createServer()
      try {
        await listen(server, host, port)
        this.#servers.push(server)
        bound.push(server.address() as AddressInfo)
        this.#log.info(`Binding RPC on address ${host} port ${(server.address() as AddressInfo).port}`)
      } catch (error) {
        this.#log.warning(`Binding RPC on address ${host} port ${port} failed (${(error as Error).message})`)
      }
    }
    if (bound.length === 0) {
      throw new OperationError('rpc-bind-failed', 'Unable to bind any endpoint for RPC server', {
        next: 'is another node running? choose another port with -rpcport',
      })
    }
    return bound
  }

  #createServer(): Server {
    const timeoutMs = this.#options.timeoutSeconds * 1000
    const server = createServer(
      {
        maxHeaderSize: HEADERS_SIZE_MAX,
        // Scripts that write their requests by hand leave it out.
        requireHostHeader: false,
        requestTimeout: timeoutMs,
        headersTimeout: timeoutMs,
        keepAliveTimeout: timeoutMs,
        connectionsCheckingInterval: Math.min(1000, timeoutMs),
        noDelay: true,
      },
      (request, response) => this.#onRequest(request, response),
    )
    // Node hands this method's socket over instead of answering.
    server.on('connect', (_, socket) => {
      socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      this.#log.debug('http', () => `Rejecting request from ${socket.remoteAddress}: ${error.message}`)
      if (!socket.writable || error.code === 'ECONNRESET' || error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
        socket.destroy()
        return
      }
      void (this.#lastOnSocket.get(socket) ?? Promise.resolve()).then(() =>
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
      )
    })
    return server
  }

  /** Stops to listen, lets requests in progress finish, then closes every connection. */
  async stop(): Promise<void> {
    this.#stopping = true
    const closed = this.#servers.map(server => new Promise(resolve => server.close(resolve)))
    for (const server of this.#servers) server.closeIdleConnections()
    while (this.#inFlight > 0) await new Promise(resolve => setImmediate(resolve))
    for (const server of this.#servers) server.closeAllConnections()
    await Promise.all(closed)
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const before = this.#lastOnSocket.get(request.socket)
    const done =
      before === undefined ? this.#answer(request, response) : before.then(() => this.#answer(request, response))
    const settled = done.catch(error => {
      this.#log.warning(`Unexpected error while processing request for '${request.url}'. Error msg: '${error}'`)
      refuse(response, 500)
    })
    this.#lastOnSocket.set(request.socket, settled)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket, headers, method, url = '' } = request
    if (headSize(request) > HEADERS_SIZE_MAX) {
      refuse(response, 400, '', { ...NO_STORE, Connection: 'close' })
      return
    }
    this.#log.debug('http', () => `Received a ${method} request for ${url.slice(0, 100)} from ${socket.remoteAddress}`)
    if (!this.#allowed.allows(socket.remoteAddress ?? '')) {
      this.#log.debug(
        'http',
        () => `HTTP request from ${socket.remoteAddress} rejected: Client network is not allowed RPC access`,
      )
      return refuse(response, 403)
    }
    const path = rpcPath(url)
    if (path === undefined) return refuse(response, 404)
    if (!this.#isTrustedOrigin(headers.host, headers.origin)) return refuse(response, 403)
    if (method !== 'POST') return refuse(response, 405, 'JSONRPC server handles only POST requests')
    const user = headers.authorization === undefined ? undefined : this.#authorization.userOf(headers.authorization)
    if (user === undefined) {
      if (headers.authorization !== undefined) {
        this.#log.warning(
          `ThreadRPCServer incorrect password attempt from ${socket.remoteAddress}:${socket.remotePort}`,
        )
        await new Promise(resolve => setTimeout(resolve, WRONG_PASSWORD_DELAY_MS))
      }
      return refuse(response, 401, '', { 'WWW-Authenticate': 'Basic realm="jsonrpc"' })
    }
    if (this.#stopping || this.#inFlight >= this.#options.threads + this.#options.workQueue) {
      if (this.#stopping) return refuse(response, 503, 'Request rejected during server shutdown', NO_STORE)
      this.#log.warning(
        'Request rejected because http work queue depth exceeded, it can be increased with the -rpcworkqueue= setting',
      )
      return refuse(response, 503, 'Work queue depth exceeded', NO_STORE)
    }
    this.#inFlight++
    try {
      const body = await readBody(request)
      if (body === undefined) return refuse(response, 413)
      const reply = await this.#dispatcher.handle(body, callerOf(user, path))
      if (reply.body === undefined) response.writeHead(reply.status).end()
      else response.writeHead(reply.status, jsonHeaders(reply.body)).end(`${reply.body}\n`)
    } finally {
      this.#inFlight--
    }
  }

  /**
   * Keeps web pages out that a browser on this machine has open: those of other origins, and those that reach us under a
   * name of their own (DNS rebinding).
   */
  #isTrustedOrigin(host: string | undefined, origin: string | undefined): boolean {
    if (origin !== undefined && !isLocalName(hostName(origin.replace(/^[a-z]+:\/\//i, '')))) return false
    return host === undefined || this.#options.anyHost || isLocalName(hostName(host)) || isIP(hostName(host)) !== 0
  }
}

/** Bytes of request line and headers: Node's own limit leaves out what stands between names and values. */
function headSize({ method, url, rawHeaders }: IncomingMessage): number {
  let size = `${method} ${url} HTTP/1.1\r\n\r\n`.length
  // Two bytes behind each name (colon and space) and each value (line break).
  for (const text of rawHeaders) size += text.length + 2
  return size
}

function hostName(hostAndPort: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(hostAndPort)
  return bracketed === null ? hostAndPort.replace(/:\d+$/, '') : bracketed[1]
}

function isLocalName(name: string): boolean {
  return name === 'localhost' || name === '::1' || /^127\.\d+\.\d+\.\d+$/.test(name)
}

/** What the path of a request names: a wallet, or nothing in particular; undefined where nothing is served. */
function rpcPath(url: string): { wallet: string | undefined } | undefined {
  if (url === '/') return { wallet: undefined }
  if (!url.startsWith('/wallet/')) return undefined
  try {
    return { wallet: decodeURIComponent(url.slice('/wallet/'.length)) }
  } catch {
    return undefined
  }
}

function callerOf(user: string, path: { wallet: string | undefined }): RpcCaller {
  return path.wallet === undefined ? { user } : { user, walletName: path.wallet }
}

function jsonHeaders(body: string): Record<string, string | number> {
  return { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) + 1 }
}

const REASONS: Readonly<Record<number, string>> = { 413: 'Content too large' }

function refuse(response: ServerResponse, status: number, text = '', headers: Record<string, string> = NO_STORE): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const all = {
    ...headers,
    'Content-Length': Buffer.byteLength(text),
    ...(status === 413 ? { Connection: 'close' } : {}),
  }
  if (REASONS[status] === undefined) response.writeHead(status, all).end(text)
  else response.writeHead(status, REASONS[status], all).end(text)
}

/** The body as text; undefined where it is too large. Bytes that are not UTF-8 make a text that is not JSON. */
function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > RPC_BODY_SIZE_MAX) {
      resolve(undefined)
      return
    }
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > RPC_BODY_SIZE_MAX) {
        request.pause()
        resolve(undefined)
      } else chunks.push(chunk)
    })
    request.on('end', () => {
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      resolve(isUtf8(body) ? body.toString('utf8') : '')
    })
    request.on('error', reject)
    request.on('close', () => reject(new Error('connection closed')))
  })
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, ipv6Only: host.includes(':') }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
