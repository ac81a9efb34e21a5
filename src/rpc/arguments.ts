import { fromHex } from '../base/bytes/bytes.ts'
import { invariant } from '../base/errors.ts'
import { MAX_MONEY } from '../bitcoin/primitives/amount.ts'
import { type Json, JsonNumber, JsonObject, type JsonTypeName, jsonTypeName } from './json/json-value.ts'
import { writeJson } from './json/write-json.ts'
import { paramNames, type RpcMethod, type RpcParam, type RpcParamType } from './method.ts'
import { RPC_INVALID_PARAMETER, RPC_MISC_ERROR, RPC_TYPE_ERROR, RpcError } from './rpc-error.ts'

/** The values of one call, in the order of the method's parameters; null and what was left out are the same. */
export class RpcArguments {
  readonly #method: RpcMethod
  readonly #values: readonly Json[]
  /** The wallet that the request's path names, where it does. */
  readonly walletName: string | undefined

  constructor(method: RpcMethod, values: readonly Json[], walletName?: string) {
    this.#method = method
    this.#values = values
    this.walletName = walletName
  }

  #indexOf(name: string): number {
    const index = this.#method.params.findIndex(param => param.name === name)
    invariant(index !== -1, `${this.#method.name} has no parameter ${name}`)
    return index
  }

  /** All values as given. */
  get all(): readonly Json[] {
    return this.#values
  }

  /** A value, or its default; `undefined` where there is neither. */
  value(name: string): Json | undefined {
    const index = this.#indexOf(name)
    return this.#values[index] ?? this.#method.params[index].default
  }

  /** Whether there is a value, given or by default. */
  has(name: string): boolean {
    const value = this.value(name)
    return value !== undefined && value !== null
  }

  /** Whether the caller gave a value. */
  given(name: string): boolean {
    return (this.#values[this.#indexOf(name)] ?? null) !== null
  }

  string(name: string): string {
    return asString(this.value(name))
  }

  optionalString(name: string): string | undefined {
    return this.has(name) ? this.string(name) : undefined
  }

  bool(name: string): boolean {
    return asBool(this.value(name))
  }

  /** A whole number of 32 bits, as most are. */
  int(name: string): number {
    return asInt(this.value(name))
  }

  optionalInt(name: string): number | undefined {
    return this.has(name) ? this.int(name) : undefined
  }

  /** A block or transaction hash, in internal byte order; messages call it `label`. */
  hash(name: string, label = name): Uint8Array {
    return asHash(this.value(name), label)
  }
}

/** The error for a value of another type than is needed there. */
export function wrongType(value: Json | undefined, expected: JsonTypeName): RpcError {
  return new RpcError(RPC_TYPE_ERROR, `JSON value of type ${jsonTypeName(value)} is not of expected type ${expected}`)
}

export function asString(value: Json | undefined): string {
  if (typeof value !== 'string') throw wrongType(value, 'string')
  return value
}

export function asBool(value: Json | undefined): boolean {
  if (typeof value !== 'boolean') throw wrongType(value, 'bool')
  return value
}

export function asArray(value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value)) throw wrongType(value, 'array')
  return value
}

export function asObject(value: Json | undefined): JsonObject {
  if (!(value instanceof JsonObject)) throw wrongType(value, 'object')
  return value
}

/** The text of a number of either form. */
function numberText(value: Json | undefined): string | undefined {
  if (value instanceof JsonNumber) return value.text
  return typeof value === 'number' || typeof value === 'bigint' ? `${value}` : undefined
}

/** A whole number within bounds, those of 64 bits at the most. */
export function asBigInt(value: Json | undefined, min: bigint, max: bigint): bigint {
  const text = numberText(value)
  if (text === undefined) throw wrongType(value, 'number')
  const whole = /^-?[0-9]+$/.test(text) ? BigInt(text) : undefined
  if (whole === undefined || whole < min || whole > max) throw new RpcError(RPC_MISC_ERROR, 'JSON integer out of range')
  return whole
}

/** A whole number within bounds, those of signed 32 bits unless said. */
export function asInt(value: Json | undefined, min = -0x8000_0000, max = 0x7fff_ffff): number {
  return Number(asBigInt(value, BigInt(min), BigInt(max)))
}

/** How much to show, which once was a boolean. */
export function asVerbosity(value: Json | undefined): number {
  return typeof value === 'boolean' ? Number(value) : asInt(value)
}

export const INT64_MIN = -(1n << 63n)
export const INT64_MAX = (1n << 63n) - 1n

/** A hash as people write it, in internal byte order; `name` is for the message. */
export function asHash(value: Json | undefined, name: string): Uint8Array {
  const text = asString(value)
  const bytes = text.length === 64 ? fromHex(text) : undefined
  if (bytes !== undefined) return bytes.reverse()
  throw new RpcError(
    RPC_INVALID_PARAMETER,
    text.length === 64
      ? `${name} must be hexadecimal string (not '${text}')`
      : `${name} must be of length 64 (not ${text.length}, for '${text}')`,
  )
}

/** Bytes in hex; `name` is for the message. The empty string is not among them. */
export function asHex(value: Json | undefined, name: string): Uint8Array {
  const text = typeof value === 'string' ? value : ''
  const bytes = fromHex(text)
  if (bytes === undefined || text === '') {
    throw new RpcError(RPC_INVALID_PARAMETER, `${name} must be hexadecimal string (not '${text}')`)
  }
  return bytes
}

/** An amount in bitcoin, number or string, as satoshi. */
export function asAmount(value: Json | undefined): number {
  const text = typeof value === 'string' ? value : numberText(value)
  if (text === undefined) throw new RpcError(RPC_TYPE_ERROR, 'Amount is not a number or string')
  const sats = parseFixedPoint(text, 8)
  if (sats === undefined) throw new RpcError(RPC_TYPE_ERROR, 'Invalid amount')
  if (sats < 0n || sats > BigInt(MAX_MONEY)) throw new RpcError(RPC_TYPE_ERROR, 'Amount out of range')
  return Number(sats)
}

/** Mantissas and exponents beyond this are refused: nothing of money is of that size. */
const FIXED_POINT_MAX = 10n ** 18n

/** A decimal number times ten to the `decimals`; `undefined` where it is not a number, has more decimals, or is too large. */
export function parseFixedPoint(text: string, decimals: number): bigint | undefined {
  const match = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(text)
  if (match === null || text.length > 100) return undefined
  const [, sign, whole, fraction = '', exponentText = '0'] = match
  const all = (whole === '0' ? '' : whole) + fraction
  const digits = all.replace(/0+$/, '')
  // Trailing zeros do not count against the number of decimals.
  const shift = Number(exponentText) - fraction.length + (all.length - digits.length) + decimals
  if (shift < 0 || shift >= 18) return undefined
  const magnitude = BigInt(digits === '' ? 0 : digits) * 10n ** BigInt(shift)
  return magnitude >= FIXED_POINT_MAX ? undefined : sign === '-' ? -magnitude : magnitude
}

const EXPECTED_TYPE: Readonly<Record<RpcParamType, JsonTypeName | undefined>> = {
  string: 'string',
  hex: 'string',
  number: 'number',
  bool: 'bool',
  amount: undefined,
  range: undefined,
  array: 'array',
  object: 'object',
  options: 'object',
  record: 'object',
}

/** Checks the types of a call's values; throws an error that names every mismatch. */
export function checkArgumentTypes(params: readonly RpcParam[], values: readonly Json[]): void {
  let mismatches: Record<string, string> | undefined
  for (let i = 0; i < params.length; i++) {
    const param = params[i]
    const expected = EXPECTED_TYPE[param.type]
    if (param.untyped || expected === undefined) continue
    const actual = jsonTypeName(values[i])
    if (actual === expected || (actual === 'null' && !param.required)) continue
    mismatches ??= {}
    mismatches[`Position ${i + 1} (${paramNames(param)})`] =
      `JSON value of type ${actual} is not of expected type ${expected}`
  }
  if (mismatches !== undefined) {
    throw new RpcError(RPC_TYPE_ERROR, `Wrong type passed:\n${writeJson(mismatches, 4)}`)
  }
}

/** How many values a call must have: up to the last required parameter, and no more than there are. */
export function isArgumentCount(params: readonly RpcParam[], count: number): boolean {
  if (count > params.length) return false
  for (let i = count; i < params.length; i++) if (params[i].required) return false
  return true
}
