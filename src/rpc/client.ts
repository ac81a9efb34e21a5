import { Agent, request } from 'node:http'
import { OperationError } from '../base/errors.ts'
import { type Json, JsonNumber, JsonObject } from './json/json-value.ts'
import { readJson } from './json/read-json.ts'
import { writeJson } from './json/write-json.ts'
import { RpcError } from './rpc-error.ts'

/** Options of {@link RpcClient}. */
export interface RpcClientOptions {
  readonly host: string
  readonly port: number
  /** `user:password`, such as the contents of the cookie file. */
  readonly credentials: string
  readonly wallet?: string
  /** 0 for no limit. */
  readonly timeoutMs?: number
}

/**
 * Calls a node's methods over one keep-alive connection. Errors of the node are thrown as {@link RpcError}, those on the way to it
 * as OperationError (`rpc-unreachable`, `rpc-unauthorized`, `rpc-bad-answer`).
 *
 * @example
 * const client = new RpcClient({ host: '127.0.0.1', port: 18443, credentials: readCookie(path)! })
 * const height = await client.call<number>('getblockcount')
 */
export class RpcClient {
  readonly #options: RpcClientOptions
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  constructor(options: RpcClientOptions) {
    this.#options = options
  }

  /** The result as plain values, numbers as numbers. */
  async call<T = unknown>(
    method: string,
    params: readonly Json[] | { readonly [name: string]: Json } = [],
  ): Promise<T> {
    return plainJson(await this.callRaw(method, params)) as T
  }

  /** The result as it came, numbers with their text. */
  async callRaw(
    method: string,
    params: readonly Json[] | JsonObject | { readonly [name: string]: Json } = [],
  ): Promise<Json> {
    const answer = await this.send({ jsonrpc: '2.0', id: 0, method, params })
    const error = answer instanceof JsonObject ? answer.get('error') : undefined
    if (error instanceof JsonObject)
      throw new RpcError(Number(plainJson(error.get('code')!)), String(error.get('message')))
    const result = answer instanceof JsonObject ? answer.get('result') : undefined
    if (result === undefined) throw new OperationError('rpc-bad-answer', 'the node gave an answer without a result')
    return result
  }

  /** Sends a request or a batch as it is; undefined where the node has nothing to say to it. */
  async send(body: Json): Promise<Json | undefined> {
    const { status, text } = await this.#post(writeJson(body))
    if (status === 401 || status === 403) {
      throw new OperationError('rpc-unauthorized', 'the node does not accept these credentials', {
        next: 'is this the node whose cookie or password is used?',
      })
    }
    if (text === '') return undefined
    const answer = readJson(text)
    if (answer !== undefined) return answer
    throw new OperationError('rpc-bad-answer', `non-JSON HTTP response with status ${status}: ${text.slice(0, 200)}`)
  }

  #post(body: string): Promise<{ status: number; text: string }> {
    const { host, port, credentials, wallet, timeoutMs = 0 } = this.#options
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void =>
        reject(
          new OperationError('rpc-unreachable', `no answer from ${host}:${port}: ${cause.message}`, {
            cause,
            next: 'is the node running, and on this port?',
          }),
        )
      const outgoing = request(
        {
          agent: this.#agent,
          host,
          port,
          method: 'POST',
          path: wallet === undefined ? '/' : `/wallet/${encodeURIComponent(wallet)}`,
          headers: {
            Authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
          },
          timeout: timeoutMs,
        },
        incoming => {
          const chunks: Buffer[] = []
          incoming.on('data', chunk => chunks.push(chunk))
          incoming.on('end', () =>
            resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          )
          incoming.on('error', fail)
        },
      )
      outgoing.on('error', fail)
      outgoing.on('timeout', () => outgoing.destroy(new Error(`timed out after ${timeoutMs} ms`)))
      outgoing.end(body)
    })
  }

  /** Closes the connection. */
  close(): void {
    this.#agent.destroy()
  }
}

/** JSON as plain values, as JSON.parse would give them. */
export function plainJson(value: Json): unknown {
  if (value instanceof JsonNumber) return Number(value.text)
  if (value instanceof JsonObject)
    return Object.fromEntries(value.keys.map((key, i) => [key, plainJson(value.values[i])]))
  return Array.isArray(value) ? value.map(item => plainJson(item)) : value
}
