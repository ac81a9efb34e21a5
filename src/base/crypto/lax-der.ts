/**
 * Parses an ECDSA signature as loosely as OpenSSL once did and as the chain's history needs: any sane or insane BER
 * lengths, leading zeros and trailing garbage are taken (BIP66 is a flag of the interpreter, not of this parser).
 *
 * @param der the signature without its hash type byte
 * @param out receives 64 bytes, r then s; all zero (which never verifies) where r or s exceeds 32 bytes
 * @param end where the signature ends, so that nobody need cut the hash type off first
 * @returns false where not even this reading makes sense
 */
export function parseLaxDer(der: Uint8Array, out: Uint8Array, end = der.length): boolean {
  let position = 0

  // Sequence tag, then a length that is skipped rather than believed.
  if (position === end || der[position] !== 0x30) return false
  position++
  if (position === end) return false
  let lengthByte = der[position++]
  if (lengthByte & 0x80) {
    lengthByte -= 0x80
    if (lengthByte > end - position) return false
    position += lengthByte
  }

  out.fill(0, 0, 64)
  let overflow = false
  for (let half = 0; half < 2; half++) {
    if (position === end || der[position] !== 0x02) return false
    position++
    if (position === end) return false
    let length = der[position++]
    if (length & 0x80) {
      let lengthBytes = length - 0x80
      if (lengthBytes > end - position) return false
      while (lengthBytes > 0 && der[position] === 0) {
        position++
        lengthBytes--
      }
      if (lengthBytes >= 4) return false
      length = 0
      while (lengthBytes > 0) {
        length = length * 256 + der[position]
        position++
        lengthBytes--
      }
    }
    if (length > end - position) return false
    let start = position
    position += length
    while (length > 0 && der[start] === 0) {
      start++
      length--
    }
    if (length > 32) overflow = true
    else for (let i = 32 * (half + 1) - length; length > 0; i++, start++, length--) out[i] = der[start]
  }
  if (overflow) out.fill(0, 0, 64)
  return true
}
