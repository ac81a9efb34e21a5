import { type Json, JsonObject } from './json/json-value.ts'
import { paramNames, type RpcParam } from './method.ts'
import { RPC_INVALID_PARAMETER, RpcError } from './rpc-error.ts'

function invalid(message: string): RpcError {
  return new RpcError(RPC_INVALID_PARAMETER, message)
}

/** The named values of a call, from which each is taken once. */
class NamedValues {
  readonly #values = new Map<string, Json>()

  constructor(named: JsonObject) {
    named.keys.forEach((key, i) => {
      if (this.#values.has(key)) throw invalid(`Parameter ${key} specified multiple times`)
      this.#values.set(key, named.values[i])
    })
  }

  /** Takes the value that was given under one of a parameter's names. */
  take(param: RpcParam): { name: string; value: Json } | undefined {
    for (const name of [param.name, ...(param.aliases ?? [])]) {
      const value = this.#values.get(name)
      if (value === undefined) continue
      this.#values.delete(name)
      return { name, value }
    }
    return undefined
  }

  takeArray(name: string): readonly Json[] | undefined {
    const value = this.#values.get(name)
    if (value === undefined) return undefined
    this.#values.delete(name)
    return Array.isArray(value) ? value : undefined
  }

  get leftOver(): string | undefined {
    return this.#values.keys().next().value
  }
}

/**
 * Puts named arguments in the order of the parameters, with null where one before another is left out. Fields of an `options`
 * parameter may stand beside the others; `args` holds values for the first parameters.
 */
export function positionalArguments(params: readonly RpcParam[], named: JsonObject): readonly Json[] {
  const given = new NamedValues(named)
  const positional: Json[] = []
  let leftOut = 0
  let leadingLeftOut = 0
  let firstNamed: RpcParam | undefined
  for (const param of params) {
    const options = param.type === 'options' ? takeOptions(param, given) : undefined
    const direct = given.take(param)
    if (direct !== undefined && options !== undefined) {
      throw invalid(`Parameter ${direct.name} conflicts with parameter ${options.keys[0]}`)
    }
    // A value of null counts as given.
    const value = direct === undefined ? options : direct.value
    if (value === undefined) {
      leftOut++
      if (positional.length === 0) leadingLeftOut = leftOut
      continue
    }
    for (; leftOut > 0; leftOut--) positional.push(null)
    firstNamed ??= param
    positional.push(value)
  }
  const leading = given.takeArray('args')
  if (leading !== undefined && firstNamed !== undefined && leadingLeftOut < leading.length) {
    throw invalid(`Parameter ${paramNames(firstNamed)} specified twice both as positional and named argument`)
  }
  if (given.leftOver !== undefined) throw invalid(`Unknown named parameter ${given.leftOver}`)
  return leading === undefined ? positional : [...leading, ...positional.slice(leading.length)]
}

function takeOptions(param: RpcParam, given: NamedValues): JsonObject | undefined {
  let options: JsonObject | undefined
  for (const field of param.fields ?? []) {
    const value = given.take(field)
    if (value === undefined) continue
    options ??= new JsonObject()
    options.add(value.name, value.value)
  }
  return options
}
