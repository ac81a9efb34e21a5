/**
 * A bencoded value (BEP 3). Dictionary keys are byte strings; here each is a string whose code units are its bytes, so that
 * they compare in byte order and cannot be confused by text encodings (see {@link byteKey}).
 */
export type BencodeValue = number | bigint | Uint8Array | BencodeValue[] | BencodeDict

export type BencodeDict = Map<string, BencodeValue>

/** Longer keys are put together from parts: one character at a time, each would cost a string of its own. */
const KEY_PART_BYTES = 4096

/** The dictionary key that stands for these bytes. */
export function byteKey(bytes: Uint8Array): string {
  let key = ''
  for (let at = 0; at < bytes.length; at += KEY_PART_BYTES) {
    const part = bytes.subarray(at, at + KEY_PART_BYTES)
    key += String.fromCharCode.apply(undefined, part as unknown as number[])
  }
  return key
}

/** The bytes that a dictionary key stands for. */
export function keyBytes(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length)
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i)
  return bytes
}
