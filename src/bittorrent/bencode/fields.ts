import type { BencodeDict, BencodeValue } from './value.ts'

/** Typed reads of a dictionary that others wrote: a field of another type is as good as missing. */

export function asDict(value: BencodeValue | undefined): BencodeDict | undefined {
  return value instanceof Map ? value : undefined
}

export function dictField(dict: BencodeDict, key: string): BencodeDict | undefined {
  return asDict(dict.get(key))
}

export function listField(dict: BencodeDict, key: string): BencodeValue[] | undefined {
  const value = dict.get(key)
  return Array.isArray(value) ? value : undefined
}

export function bytesField(dict: BencodeDict, key: string): Uint8Array | undefined {
  const value = dict.get(key)
  return value instanceof Uint8Array ? value : undefined
}

/** A whole number within ±2^53. */
export function integerField(dict: BencodeDict, key: string): number | undefined {
  const value = dict.get(key)
  return typeof value === 'number' ? value : undefined
}
