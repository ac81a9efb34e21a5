/** BIP380: the eight characters that guard a descriptor against mistyping. */

const INPUT_CHARSET =
  '0123456789()[],\'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#"\\ '
const CHECKSUM_CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn]

export const DESCRIPTOR_CHECKSUM_SIZE = 8

function step(remainder: bigint, value: number): bigint {
  const top = Number(remainder >> 35n)
  let next = ((remainder & 0x7ffffffffn) << 5n) ^ BigInt(value)
  for (let bit = 0; bit < 5; bit++) if ((top >> bit) & 1) next ^= GENERATOR[bit]
  return next
}

/** The checksum of a descriptor without one; `undefined` where it has characters that no descriptor may have. */
export function descriptorChecksum(text: string): string | undefined {
  let remainder = 1n
  let groups = 0
  let groupCount = 0
  for (const character of text) {
    const position = INPUT_CHARSET.indexOf(character)
    if (position === -1) return undefined
    remainder = step(remainder, position & 31)
    groups = groups * 3 + (position >> 5)
    if (++groupCount === 3) {
      remainder = step(remainder, groups)
      groups = 0
      groupCount = 0
    }
  }
  if (groupCount > 0) remainder = step(remainder, groups)
  for (let i = 0; i < DESCRIPTOR_CHECKSUM_SIZE; i++) remainder = step(remainder, 0)
  remainder ^= 1n
  let checksum = ''
  for (let i = 7; i >= 0; i--) checksum += CHECKSUM_CHARSET[Number((remainder >> BigInt(5 * i)) & 31n)]
  return checksum
}

/** The descriptor with `#` and its checksum behind it. */
export function withChecksum(text: string): string {
  return `${text}#${descriptorChecksum(text)}`
}
