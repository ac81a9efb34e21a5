/**
 * JSON as the RPC interface needs it: numbers keep their text, so that an amount is never rounded on its way in or out, and
 * objects read from a request keep the order and the repetition of their keys.
 */
export type Json =
  | null
  | boolean
  | string
  | number
  | bigint
  | JsonNumber
  | JsonObject
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/** A number by its text, such as `50.00000000`; the text must be a JSON number. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** An object as it was read: keys in order, repeated ones included. */
export class JsonObject {
  readonly keys: string[] = []
  readonly values: Json[] = []

  add(key: string, value: Json): void {
    this.keys.push(key)
    this.values.push(value)
  }

  /** The first value of that key; `undefined` where there is none. */
  get(key: string): Json | undefined {
    const at = this.keys.indexOf(key)
    return at === -1 ? undefined : this.values[at]
  }
}

/** The names that error messages give to JSON's types. */
export type JsonTypeName = 'null' | 'bool' | 'object' | 'array' | 'string' | 'number'

export function jsonTypeName(value: Json | undefined): JsonTypeName {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof JsonNumber) return 'number'
  return Array.isArray(value) ? 'array' : 'object'
}

/** An amount in satoshi as a number of bitcoin with eight decimals. */
export function jsonAmount(valueSats: number | bigint): JsonNumber {
  const negative = valueSats < 0
  const digits = `${negative ? -valueSats : valueSats}`.padStart(9, '0')
  return new JsonNumber(`${negative ? '-' : ''}${digits.slice(0, -8)}.${digits.slice(-8)}`)
}

/** A floating-point number with sixteen significant digits, as `%.16g` prints it. */
export function jsonFloat(value: number): JsonNumber {
  return new JsonNumber(formatFloat(value))
}

function formatFloat(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa, exponentText] = value.toExponential(15).split('e')
  const exponent = Number(exponentText)
  const trim = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)
  if (exponent < -4 || exponent >= 16) {
    const digits = `${Math.abs(exponent)}`.padStart(2, '0')
    return `${trim(mantissa)}e${exponent < 0 ? '-' : '+'}${digits}`
  }
  return trim(value.toFixed(15 - exponent))
}
