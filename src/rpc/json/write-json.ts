import { type Json, JsonNumber, JsonObject } from './json-value.ts'

// JSON.stringify leaves DEL as it is; Bitcoin Core's writer does not.
const NEEDS_CARE = /[^ !#-[\]-~\u0080-\ud7ff\ue000-\uffff]/

function writeString(text: string): string {
  if (!NEEDS_CARE.test(text)) return `"${text}"`
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}

function writeScalar(value: null | boolean | string | number | bigint | JsonNumber): string {
  if (typeof value === 'string') return writeString(value)
  return value instanceof JsonNumber ? value.text : `${value}`
}

function isScalar(value: Json): value is null | boolean | string | number | bigint | JsonNumber {
  return value === null || typeof value !== 'object' || value instanceof JsonNumber
}

/**
 * JSON text. Numbers must be whole (floats go through jsonFloat, amounts through jsonAmount); keys whose value is undefined are
 * left out.
 *
 * @param indent spaces a level; 0 for one line without any white space
 */
export function writeJson(value: Json, indent = 0, level = 1): string {
  if (isScalar(value)) return writeScalar(value)
  const open = indent === 0 ? '' : `\n${' '.repeat(indent * level)}`
  const close = indent === 0 ? '' : `\n${' '.repeat(indent * (level - 1))}`
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += (text === '' ? open : `,${open}`) + writeJson(item, indent, level + 1)
    // The pretty form of an empty array or object has a line break too, as Bitcoin Core's has.
    return text === '' && indent !== 0 ? `[\n${close.slice(1)}]` : `[${text}${text === '' ? '' : close}]`
  }
  const colon = indent === 0 ? ':' : ': '
  const add = (key: string, item: Json): void => {
    text += (text === '' ? open : `,${open}`) + writeString(key) + colon + writeJson(item, indent, level + 1)
  }
  if (value instanceof JsonObject) for (let i = 0; i < value.keys.length; i++) add(value.keys[i], value.values[i])
  else {
    const record = value as { readonly [key: string]: Json | undefined }
    for (const key in record) {
      const item = record[key]
      if (item !== undefined) add(key, item)
    }
  }
  return text === '' && indent !== 0 ? `{\n${close.slice(1)}}` : `{${text}${text === '' ? '' : close}}`
}
