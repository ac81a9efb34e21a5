/** UTF-8 without the host's TextEncoder, so that the pure floors compile with the language alone. */

/** UTF-8 bytes of `text`; lone surrogates become U+FFFD. */
export function utf8(text: string): Uint8Array {
  const out: number[] = []
  for (const character of text) {
    let code = character.codePointAt(0)!
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd
    if (code < 0x80) out.push(code)
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63))
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
  }
  return Uint8Array.from(out)
}

/** Units of text made at once: a string that grows by single ones is a tree of a node for each, which somebody flattens later. */
const UNITS_MAX = 4096

/** Text of strict UTF-8 (no overlong forms, no surrogates); `undefined` where it is not. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  const units = new Uint16Array(Math.min(bytes.length, UNITS_MAX))
  let text = ''
  let count = 0
  for (let i = 0; i < bytes.length; ) {
    // A character may take two units.
    if (count > UNITS_MAX - 2) {
      text += textOf(units.subarray(0, count))
      count = 0
    }
    const lead = bytes[i]
    if (lead < 0x80) {
      units[count++] = lead
      i++
      continue
    }
    const length = lengthBy(lead)
    if (length === 0 || i + length > bytes.length) return undefined
    let code = lead & (0x7f >> length)
    for (let k = 1; k < length; k++) {
      const next = bytes[i + k]
      if ((next & 0xc0) !== 0x80) return undefined
      code = (code << 6) | (next & 63)
    }
    if ((length === 3 && code < 0x800) || (length === 4 && (code < 0x10000 || code > 0x10ffff))) return undefined
    if (code >= 0xd800 && code <= 0xdfff) return undefined
    if (code >= 0x10000) {
      units[count++] = 0xd7c0 + (code >> 10)
      units[count++] = 0xdc00 | (code & 0x3ff)
    } else units[count++] = code
    i += length
  }
  return text + textOf(units.subarray(0, count))
}

/** The text of some thousand UTF-16 units at most: each is an argument of a call. */
export function textOf(units: Uint8Array | Uint16Array): string {
  return String.fromCharCode.apply(undefined, units as unknown as number[])
}

/** Bytes of a character that takes more than one, by its first; 0 where none begins so. */
function lengthBy(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
}
