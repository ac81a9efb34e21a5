import { fromUtf8 } from './utf8.ts'

/** Text of UTF-8 that may be broken: `_` for each byte that makes no sense. */
export function lenientUtf8(bytes: Uint8Array): string {
  const whole = fromUtf8(bytes)
  if (whole !== undefined) return whole
  let text = ''
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i]
    const length = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    const character = i + length <= bytes.length ? fromUtf8(bytes.subarray(i, i + length)) : undefined
    text += character ?? '_'
    i += character === undefined ? 1 : length
  }
  return text
}
