/**
 * A bencoded value (BEP 3). Dictionary keys are byte strings; here each is a string whose code units are its bytes, so that
 * they compare in byte order and cannot be confused by text encodings (see {@link byteKey}).
 */
export type BencodeValue = number | bigint | Uint8Array | BencodeValue[] | BencodeDict

export type BencodeDict = Map<string, BencodeValue>

/** The dictionary key that stands for these bytes. */
export function byteKey(bytes: Uint8Array): string {
  let key = ''
  for (let i = 0; i < bytes.length; i++) key += String.fromCharCode(bytes[i])
  return key
}

/** The bytes that a dictionary key stands for. */
export function keyBytes(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length)
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i)
  return bytes
}
