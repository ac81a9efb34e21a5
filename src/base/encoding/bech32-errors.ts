import {
  BECH32_CHECKSUM_SIZE,
  BECH32_CONSTANT,
  BECH32_LENGTH_MAX,
  BECH32_SEPARATOR,
  type Bech32Encoding,
  bech32BadCharacters,
  bech32Remainder,
  bech32Value,
} from './bech32.ts'

/** What is wrong with a string that does not decode, in Bitcoin Core's words, and the likely places. */
export interface Bech32Fault {
  readonly message: string
  readonly positions: number[]
}

/**
 * The checksum is a BCH code over GF(32) whose generator has roots e^997, e^998 and e^999 in GF(1024); from the remainder at
 * those roots up to two wrong characters can be placed. Field elements are kept as logarithms to the base e.
 */
const ORDER = 1023
const FIRST_ROOT = 997
/** GF(32)* is the subgroup of GF(1024)* of index 33: a logarithm belongs to a 5-bit value if 33 divides it. */
const SUBFIELD_INDEX = 33

interface Field {
  readonly exp: Int16Array
  readonly log: Int16Array
  /** Values at the three roots of each of the remainder's upper 25 bits, ten bits a root. */
  readonly bitSyndromes: Uint32Array
}

let field: Field | undefined

/** GF(32) modulo x^5 + x^3 + 1 and, above it, GF(1024) modulo y^2 + 9y + 23. */
function buildField(): Field {
  const exp32 = new Uint8Array(31)
  const log32 = new Int8Array(32).fill(-1)
  for (let i = 0, value = 1; i < 31; i++) {
    exp32[i] = value
    log32[value] = i
    value <<= 1
    if (value & 32) value ^= 41
  }
  const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : exp32[(log32[a] + log32[b]) % 31])

  const exp = new Int16Array(ORDER)
  const log = new Int16Array(ORDER + 1).fill(-1)
  for (let i = 0, value = 1; i < ORDER; i++) {
    exp[i] = value
    log[value] = i
    const low = value & 31
    const high = value >> 5
    value = ((times(high, 9) ^ low) << 5) | times(high, 23)
  }

  const bitSyndromes = new Uint32Array(25)
  for (let power = 1; power < 6; power++) {
    for (let bit = 0; bit < 5; bit++) {
      const at = (root: number): number => exp[(root * power + log[1 << bit]) % ORDER]
      bitSyndromes[5 * (power - 1) + bit] = at(FIRST_ROOT) | (at(FIRST_ROOT + 1) << 10) | (at(FIRST_ROOT + 2) << 20)
    }
  }
  return { exp, log, bitSyndromes }
}

/** The three syndromes of a remainder that is not zero. */
function syndromes(remainder: number, { bitSyndromes }: Field): [number, number, number] {
  const low = remainder & 31
  let packed = low | (low << 10) | (low << 20)
  for (let i = 0; i < 25; i++) if ((remainder >>> (5 + i)) & 1) packed ^= bitSyndromes[i]
  return [packed & 1023, (packed >>> 10) & 1023, (packed >>> 20) & 1023]
}

/** Distances from the end of one or two characters that explain the remainder, the farther first; empty if none do. */
function faultsFromEnd(remainder: number, length: number): number[] {
  field ??= buildField()
  const { exp, log } = field
  const [s0, s1, s2] = syndromes(remainder, field)
  const l0 = log[s0]
  const l1 = log[s1]
  const l2 = log[s2]
  const rootOffset = ORDER - FIRST_ROOT

  // One error of value v at distance p makes each syndrome the one before times e^p.
  if (l0 !== -1 && l1 !== -1 && l2 !== -1 && (2 * l1 - l2 - l0 + 2 * ORDER) % ORDER === 0) {
    const p = (l1 - l0 + ORDER) % ORDER
    return p < length && (l0 + rootOffset * p) % SUBFIELD_INDEX === 0 ? [p] : []
  }

  for (let p1 = 0; p1 < length; p1++) {
    const shifted = (logarithm: number, by: number): number => (logarithm === -1 ? 0 : exp[(logarithm + by) % ORDER])
    const s2WithoutP1 = s2 ^ shifted(l1, p1)
    const s1WithoutP1 = s1 ^ shifted(l0, p1)
    if (s2WithoutP1 === 0 || s1WithoutP1 === 0) continue
    const p2 = (log[s2WithoutP1] - log[s1WithoutP1] + ORDER) % ORDER
    if (p2 >= length || p1 === p2) continue
    const s1WithoutP2 = s1 ^ shifted(l0, p2)
    if (s1WithoutP2 === 0) continue
    const inverse = ORDER - log[exp[p1] ^ exp[p2]]
    if ((log[s1WithoutP1] + inverse + rootOffset * p2) % SUBFIELD_INDEX !== 0) continue
    if ((log[s1WithoutP2] + inverse + rootOffset * p1) % SUBFIELD_INDEX !== 0) continue
    return p1 > p2 ? [p1, p2] : [p2, p1]
  }
  return []
}

/** Explains why `text` does not decode as bech32 or bech32m; an empty message if it does. */
export function locateBech32Errors(text: string): Bech32Fault {
  if (text.length > BECH32_LENGTH_MAX) {
    const positions = Array.from({ length: text.length - BECH32_LENGTH_MAX }, (_, i) => BECH32_LENGTH_MAX + i)
    return { message: 'Bech32 string too long', positions }
  }
  const bad = bech32BadCharacters(text)
  if (bad.length > 0) return { message: 'Invalid character or mixed case', positions: bad }
  const separator = text.lastIndexOf(BECH32_SEPARATOR)
  if (separator === -1) return { message: 'Missing separator', positions: [] }
  if (separator === 0 || separator + BECH32_CHECKSUM_SIZE >= text.length) {
    return { message: 'Invalid separator position', positions: [separator] }
  }
  const values: number[] = []
  for (let i = separator + 1; i < text.length; i++) {
    const value = bech32Value(text[i])
    if (value === undefined) return { message: 'Invalid Base 32 character', positions: [i] }
    values.push(value)
  }
  return locateChecksumErrors(text.length, text.slice(0, separator).toLowerCase(), values)
}

/** The explanation with fewer wrong characters wins; bech32 where both checksums have as many. */
function locateChecksumErrors(textLength: number, hrp: string, values: number[]): Bech32Fault {
  let positions: number[] = []
  let blamed: Bech32Encoding | undefined
  for (const encoding of ['bech32', 'bech32m'] as const) {
    const remainder = (bech32Remainder(hrp, values) ^ BECH32_CONSTANT[encoding]) >>> 0
    if (remainder === 0) return { message: '', positions: [] }
    const found = faultsFromEnd(remainder, values.length).map(distance => textLength - 1 - distance)
    if (positions.length === 0 || (found.length > 0 && found.length < positions.length)) {
      positions = found
      if (found.length > 0) blamed = encoding
    }
  }
  const message =
    blamed === 'bech32m'
      ? 'Invalid Bech32m checksum'
      : blamed === 'bech32'
        ? 'Invalid Bech32 checksum'
        : 'Invalid checksum'
  return { message, positions }
}
