import type { RpcArguments } from './arguments.ts'
import type { RpcContext } from './context.ts'
import type { Json } from './json/json-value.ts'

/** Groups of methods, as `help` lists them; hidden ones are not listed. */
export type RpcCategory =
  | 'blockchain'
  | 'control'
  | 'network'
  | 'mining'
  | 'rawtransactions'
  | 'swarm'
  | 'util'
  | 'hidden'

/**
 * Types of parameters: `hex` is a string of hex digits, `amount` a number or string of bitcoin, `range` an end or a pair,
 * `options` an object whose fields may also be given as named parameters of the call, `record` an object with keys of the
 * caller's choice.
 */
export type RpcParamType =
  | 'string'
  | 'hex'
  | 'number'
  | 'bool'
  | 'amount'
  | 'range'
  | 'array'
  | 'object'
  | 'options'
  | 'record'

export interface RpcParam {
  readonly name: string
  /** Other names by which it may be given. */
  readonly aliases?: readonly string[]
  readonly type: RpcParamType
  readonly about: string
  readonly required?: boolean
  /** What stands for it where it is left out. */
  readonly default?: Json
  /** The default in words, where it is no single value. */
  readonly defaultHint?: string
  /** Left out of help, and so is every parameter behind it. */
  readonly hidden?: boolean
  /** The type is not checked before the handler runs, which takes several. */
  readonly untyped?: boolean
  /** Names of the types that an untyped parameter takes, for help. */
  readonly typeLabel?: string
  /** How it shows in the usage line, where not by the rule. */
  readonly oneLine?: string
  /** Fields of an object, or the kinds of elements of an array. */
  readonly fields?: readonly RpcParam[]
}

/** One method: how it is called, what help says, and what it does. */
export interface RpcMethod {
  readonly name: string
  readonly category: RpcCategory
  /** What it does, in full sentences. */
  readonly about: string
  readonly params: readonly RpcParam[]
  /** What it gives back, for help: a line or a few; empty for a method that only refuses. */
  readonly result: string
  /** Throws {@link RpcError} for what cannot be met. */
  readonly handler: (context: RpcContext, args: RpcArguments) => Json | Promise<Json>
}

/** A parameter's names as type errors show them. */
export function paramNames(param: RpcParam): string {
  return [param.name, ...(param.aliases ?? [])].join('|')
}
