import { checkArgumentTypes, isArgumentCount, RpcArguments } from './arguments.ts'
import type { RpcContext } from './context.ts'
import { helpText, usageLine } from './help.ts'
import { type Json, JsonObject } from './json/json-value.ts'
import type { RpcMethod } from './method.ts'
import { positionalArguments } from './named-arguments.ts'
import { RPC_METHOD_NOT_FOUND, RPC_MISC_ERROR, RpcError } from './rpc-error.ts'

/** A call that is being carried out. */
export interface ActiveCall {
  readonly method: string
  /** On the clock of `performance.now()`. */
  readonly startedMs: number
}

/** All methods by name: finds, checks and calls them, and describes them. */
export class MethodTable {
  readonly #methods: ReadonlyMap<string, RpcMethod>
  readonly #active = new Set<ActiveCall>()

  constructor(methods: readonly RpcMethod[]) {
    this.#methods = new Map(methods.map(method => [method.name, method]))
  }

  get methods(): readonly RpcMethod[] {
    return [...this.#methods.values()]
  }

  /** The calls in progress, the oldest first. */
  get activeCalls(): readonly ActiveCall[] {
    return [...this.#active]
  }

  /**
   * Calls a method with positional or named arguments. Throws (or rejects with) {@link RpcError}; any other error is a failure of
   * the world or a bug of ours.
   */
  call(
    name: string,
    params: readonly Json[] | JsonObject,
    context: RpcContext,
    walletName?: string,
  ): Json | Promise<Json> {
    const method = this.#methods.get(name)
    if (method === undefined) throw new RpcError(RPC_METHOD_NOT_FOUND, 'Method not found')
    const values = params instanceof JsonObject ? positionalArguments(method.params, params) : params
    if (!isArgumentCount(method.params, values.length)) throw new RpcError(RPC_MISC_ERROR, helpText(method))
    if (method.params.length > 0) checkArgumentTypes(method.params, values)
    const call: ActiveCall = { method: name, startedMs: performance.now() }
    this.#active.add(call)
    let result: Json | Promise<Json>
    try {
      result = method.handler(context, new RpcArguments(method, values, walletName))
    } catch (error) {
      this.#active.delete(call)
      throw error
    }
    if (!(result instanceof Promise)) {
      this.#active.delete(call)
      return result
    }
    return result.finally(() => this.#active.delete(call))
  }

  /** The text of `help`: one method's, or the usage lines of all, by category. */
  help(name: string): string {
    if (name !== '') {
      const method = this.#methods.get(name)
      return method === undefined ? `help: unknown command: ${name}` : helpText(method)
    }
    const listed = this.methods.filter(method => method.category !== 'hidden')
    const key = (method: RpcMethod): string => method.category + method.name
    listed.sort((a, b) => (key(a) < key(b) ? -1 : 1))
    const lines: string[] = []
    let category = ''
    for (const method of listed) {
      if (method.category !== category) {
        if (category !== '') lines.push('')
        category = method.category
        lines.push(`== ${category[0].toUpperCase()}${category.slice(1)} ==`)
      }
      lines.push(usageLine(method))
    }
    return lines.join('\n')
  }
}
