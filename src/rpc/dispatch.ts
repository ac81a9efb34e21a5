import { InvariantError } from '../base/errors.ts'
import type { RpcContext } from './context.ts'
import { type Json, JsonObject } from './json/json-value.ts'
import { readJson } from './json/read-json.ts'
import { writeJson } from './json/write-json.ts'
import type { MethodTable } from './method-table.ts'
import {
  RPC_IN_WARMUP,
  RPC_INVALID_REQUEST,
  RPC_METHOD_NOT_FOUND,
  RPC_MISC_ERROR,
  RPC_PARSE_ERROR,
  RpcError,
} from './rpc-error.ts'

/** An HTTP answer: status, and a body of JSON unless there is nothing to say. */
export interface RpcReply {
  readonly status: 200 | 204 | 400 | 404 | 500
  readonly body: string | undefined
}

/** Who asks, as far as answers and logs need it. */
export interface RpcCaller {
  readonly user: string
  readonly walletName?: string
}

/** What stands in for methods until the node is ready: the message of error -28, or undefined once it is. */
export type WarmupStatus = () => string | undefined

/** A request as read: `id` undefined makes it a notification under 2.0. */
interface Request {
  id: Json | undefined
  version2: boolean
  method: string
  params: readonly Json[] | JsonObject
  /** Whether all of it could be read. */
  complete: boolean
}

function invalidRequest(message: string): RpcError {
  return new RpcError(RPC_INVALID_REQUEST, message)
}

/** Fills `request` as far as `value` can be understood, then throws if it cannot wholly: errors answer under the id that was read. */
function readRequest(value: Json, request: Request): void {
  if (!(value instanceof JsonObject)) throw invalidRequest('Invalid Request object')
  request.id = value.get('id')
  const version = value.get('jsonrpc') ?? null
  if (version !== null) {
    if (typeof version !== 'string') throw invalidRequest('jsonrpc field must be a string')
    if (version !== '1.0' && version !== '2.0') throw invalidRequest('JSON-RPC version not supported')
    request.version2 = version === '2.0'
  }
  const method = value.get('method') ?? null
  if (method === null) throw invalidRequest('Missing method')
  if (typeof method !== 'string') throw invalidRequest('Method must be a string')
  request.method = method
  const params = value.get('params') ?? []
  if (!Array.isArray(params) && !(params instanceof JsonObject)) {
    throw invalidRequest('Params must be an array or object')
  }
  request.params = params as readonly Json[] | JsonObject
  request.complete = true
}

function emptyRequest(): Request {
  return { id: null, version2: false, method: '', params: [], complete: false }
}

/** Puts a finished text where a request's result or error belongs. */
function reply(request: Request, result: string | undefined, error: string | undefined): string {
  const id = request.id === undefined ? '' : `,"id":${writeJson(request.id)}`
  if (request.version2) {
    return `{"jsonrpc":"2.0",${error === undefined ? `"result":${result}` : `"error":${error}`}${id}}`
  }
  return `{"result":${result ?? 'null'},"error":${error ?? 'null'}${id}}`
}

function isNotification(request: Request): boolean {
  return request.version2 && request.id === undefined
}

/** Reads requests, calls methods, and writes answers: JSON-RPC 1.0, 1.1 and 2.0, single and in batches, as Bitcoin Core does. */
export class RpcDispatcher {
  readonly #table: MethodTable
  readonly #context: RpcContext
  readonly #warmupStatus: WarmupStatus
  readonly #onFailure: (method: string, error: unknown) => void

  /** @param onFailure told of errors that no caller made: failures of the world, and bugs (InvariantError) */
  constructor(options: {
    table: MethodTable
    context: RpcContext
    warmupStatus: WarmupStatus
    onFailure: (method: string, error: unknown) => void
  }) {
    this.#table = options.table
    this.#context = options.context
    this.#warmupStatus = options.warmupStatus
    this.#onFailure = options.onFailure
  }

  /** Answers the body of one HTTP request. */
  async handle(body: string, caller: RpcCaller): Promise<RpcReply> {
    const value = readJson(body)
    if (Array.isArray(value)) return this.#batch(value, caller)
    const request = emptyRequest()
    try {
      if (value === undefined) throw new RpcError(RPC_PARSE_ERROR, 'Parse error')
      if (!(value instanceof JsonObject)) throw new RpcError(RPC_PARSE_ERROR, 'Top-level object parse error')
      readRequest(value, request)
      const result = writeJson(await this.#call(request, caller))
      if (isNotification(request)) return { status: 204, body: undefined }
      return { status: 200, body: reply(request, result, undefined) }
    } catch (error) {
      return this.#refuse(request, this.#asRpcError(request.method, error))
    }
  }

  /** 1.x tells errors by HTTP status too, 2.0 only where the request could not be read. */
  #refuse(request: Request, error: RpcError): RpcReply {
    if (request.complete && isNotification(request)) return { status: 204, body: undefined }
    const body = reply(request, undefined, writeJson({ code: error.code, message: error.message }))
    if (request.version2 && request.complete) return { status: 200, body }
    const status = error.code === RPC_INVALID_REQUEST ? 400 : error.code === RPC_METHOD_NOT_FOUND ? 404 : 500
    return { status, body }
  }

  /** Requests of a batch are carried out one after the other; each answers for itself. */
  async #batch(values: readonly Json[], caller: RpcCaller): Promise<RpcReply> {
    const replies: string[] = []
    for (const value of values) {
      const request = emptyRequest()
      let text: string
      try {
        readRequest(value, request)
        text = reply(request, writeJson(await this.#call(request, caller)), undefined)
      } catch (error) {
        const { code, message } = this.#asRpcError(request.method, error)
        text = reply(request, undefined, writeJson({ code, message }))
      }
      if (!isNotification(request)) replies.push(text)
    }
    // An empty batch has always been answered by an empty array.
    if (replies.length === 0 && values.length > 0) return { status: 204, body: undefined }
    return { status: 200, body: `[${replies.join(',')}]` }
  }

  #call(request: Request, caller: RpcCaller): Json | Promise<Json> {
    const warmup = this.#warmupStatus()
    if (warmup !== undefined) throw new RpcError(RPC_IN_WARMUP, warmup)
    this.#context.log.debug('rpc', () => `ThreadRPCServer method=${printable(request.method)} user=${caller.user}`)
    return this.#table.call(request.method, request.params, this.#context, caller.walletName)
  }

  #asRpcError(method: string, error: unknown): RpcError {
    if (error instanceof RpcError) return error
    this.#onFailure(method, error)
    if (error instanceof InvariantError) return new RpcError(RPC_MISC_ERROR, `Internal bug detected: ${error.message}`)
    return new RpcError(RPC_MISC_ERROR, error instanceof Error ? error.message : String(error))
  }
}

/** For logs: nothing but harmless characters of what a caller sent. */
function printable(text: string): string {
  return text.slice(0, 100).replace(/[^A-Za-z0-9 .,;_/:?@()-]/g, '')
}
