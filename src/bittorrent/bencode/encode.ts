import { utf8 } from '../../base/bytes/utf8.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { invariant } from '../../base/errors.ts'
import { byteKey, keyBytes } from './value.ts'

/** Bytes that are bencoded already and go in as they are, such as an info dictionary whose hash must not change. */
export class Verbatim {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/**
 * What the encoder takes: bencode values, and for convenience text (as UTF-8) and plain objects (keys as UTF-8; fields that
 * are `undefined` are left out).
 */
export type Bencodable =
  | number
  | bigint
  | string
  | Uint8Array
  | Verbatim
  | readonly Bencodable[]
  | ReadonlyMap<string, Bencodable>
  | { readonly [key: string]: Bencodable | undefined }

function ascii(text: string): Uint8Array {
  return keyBytes(text)
}

function writeString(writer: ByteWriter, bytes: Uint8Array): void {
  writer.bytes(ascii(`${bytes.length}:`)).bytes(bytes)
}

function writeEntries(writer: ByteWriter, entries: (readonly [string, Bencodable])[]): void {
  // BEP 3: sorted as raw strings; a key here has one code unit a byte, so the language's order is the order of bytes.
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  writer.u8(100)
  for (const [key, value] of entries) {
    writeString(writer, keyBytes(key))
    writeValue(writer, value)
  }
  writer.u8(101)
}

function writeValue(writer: ByteWriter, value: Bencodable): void {
  if (typeof value === 'number' || typeof value === 'bigint') {
    invariant(typeof value === 'bigint' || Number.isSafeInteger(value), `not an integer: ${value}`)
    writer.bytes(ascii(`i${value}e`))
  } else if (typeof value === 'string') writeString(writer, utf8(value))
  else if (value instanceof Uint8Array) writeString(writer, value)
  else if (value instanceof Verbatim) writer.bytes(value.bytes)
  else if (Array.isArray(value)) {
    writer.u8(108)
    for (const item of value as readonly Bencodable[]) writeValue(writer, item)
    writer.u8(101)
  } else if (value instanceof Map) writeEntries(writer, [...(value as ReadonlyMap<string, Bencodable>)])
  else {
    const entries: (readonly [string, Bencodable])[] = []
    for (const [key, item] of Object.entries(value)) {
      if (item !== undefined) entries.push([byteKey(utf8(key)), item])
    }
    writeEntries(writer, entries)
  }
}

/**
 * Canonical bencoding: keys sorted by their bytes, so equal values give equal bytes.
 *
 * @example
 * encodeBencode({ m: { ut_metadata: 2 }, v: 'Peers 0.1' })
 */
export function encodeBencode(value: Bencodable): Uint8Array {
  const writer = new ByteWriter(256)
  writeValue(writer, value)
  return writer.finish()
}
