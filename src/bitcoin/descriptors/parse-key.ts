import { fromHex } from '../../base/bytes/bytes.ts'
import { HARDENED_INDEX } from '../../base/crypto/hardened-index.ts'
import { isPublicKey, isSecretKey, isXOnlyPublicKey, publicKeyOf, withEvenY } from '../../base/crypto/keys.ts'
import { accept, type Rejected, reject, type Verdict } from '../../base/verdict.ts'
import { type AddressPrefixes, decodeSecretKey } from '../primitives/address.ts'
import { decodeExtendedKey } from '../primitives/extended-key.ts'
import { DerivedKey, keyId, type RangeKind, type SecretKeys } from './derived-key.ts'
import { FixedKey, type KeyExpression, type KeyOrigin } from './key-expression.ts'

/** Where an expression stands, which decides what may stand there. */
export type ScriptContext = 'top' | 'sh' | 'wpkh' | 'wsh' | 'tr'

/** What parsing needs to know and gathers. */
export interface ParseState {
  readonly prefixes: AddressPrefixes
  readonly secrets: SecretKeys
}

/** Rejects a descriptor; the detail is Bitcoin Core's message. */
export function refuseDescriptor(message: string): Rejected {
  return reject('invalid-descriptor', message)
}

const UINT32_MAX = 0xffff_ffff

/** A decimal number of 32 bits, digits alone. */
export function parseUint32(text: string): number | undefined {
  if (!/^[0-9]+$/.test(text) || text.replace(/^0+/, '').length > 10) return undefined
  const value = Number(text)
  return value <= UINT32_MAX ? value : undefined
}

/** A path of one key, or of several that differ in one step. */
interface KeyPaths {
  readonly paths: number[][]
  /** Whether the last hardened step was marked with `'` rather than `h`; undefined where none was. */
  readonly apostrophe: boolean | undefined
}

class PathParser {
  apostrophe: boolean | undefined

  step(text: string): Verdict<number> {
    const mark = text.at(-1)
    const hardened = mark === "'" || mark === 'h'
    if (hardened) this.apostrophe = mark === "'"
    const digits = hardened ? text.slice(0, -1) : text
    const value = parseUint32(digits)
    if (value === undefined) return refuseDescriptor(`Key path value '${digits}' is not a valid uint32`)
    if (value >= HARDENED_INDEX) return refuseDescriptor(`Key path value ${value} is out of range`)
    return accept(hardened ? value + HARDENED_INDEX : value)
  }

  /** BIP389: the alternatives of a step in angle brackets. */
  alternatives(text: string): Verdict<number[]> {
    const parts = text.slice(1, -1).split(';')
    if (parts.length < 2) return refuseDescriptor('Multipath key path specifiers must have at least two items')
    const values: number[] = []
    for (const part of parts) {
      const value = this.step(part)
      if (!value.ok) return value
      if (values.includes(value.value)) {
        return refuseDescriptor(`Duplicated key path value ${value.value} in multipath specifier`)
      }
      values.push(value.value)
    }
    return accept(values)
  }
}

function parsePath(steps: readonly string[], allowMultipath: boolean): Verdict<KeyPaths> {
  const parser = new PathParser()
  const path: number[] = []
  let alternatives: number[] | undefined
  let alternativesAt = 0
  for (const text of steps) {
    if (text.startsWith('<') && text.endsWith('>')) {
      if (!allowMultipath) {
        return refuseDescriptor(
          `Key path value '${text}' specifies multipath in a section where multipath is not allowed`,
        )
      }
      if (alternatives !== undefined) return refuseDescriptor('Multiple multipath key path specifiers found')
      const parsed = parser.alternatives(text)
      if (!parsed.ok) return parsed
      alternatives = parsed.value
      alternativesAt = path.length
      path.push(0)
    } else {
      const step = parser.step(text)
      if (!step.ok) return step
      path.push(step.value)
    }
  }
  const paths = alternatives?.map(value => path.with(alternativesAt, value)) ?? [path]
  return accept({ paths, apostrophe: parser.apostrophe })
}

/** BIP380: a key expression; several keys where it has a multipath step. */
export function parseKey(text: string, context: ScriptContext, state: ParseState): Verdict<KeyExpression[]> {
  // BIP390: named, so that nobody takes the refusal for a typing mistake.
  if (text.startsWith('musig(')) {
    return refuseDescriptor(
      context === 'tr' ? 'musig() is not supported' : 'musig() is only allowed in tr() and rawtr()',
    )
  }
  const parts = text.split(']')
  if (parts.length > 2) return refuseDescriptor("Multiple ']' characters found for a single pubkey")
  if (parts.length === 1) return parseBareKey(text, context, state, undefined, undefined)
  const origin = parts[0]
  if (!origin.startsWith('[')) {
    return refuseDescriptor(
      `Key origin start '[ character expected but not found, got '${origin === '' ? ']' : origin[0]}' instead`,
    )
  }
  const [fingerprint, ...steps] = origin.slice(1).split('/')
  if (fingerprint.length !== 8) {
    return refuseDescriptor(`Fingerprint is not 4 bytes (${fingerprint.length} characters instead of 8 characters)`)
  }
  const bytes = fromHex(fingerprint)
  if (bytes === undefined) return refuseDescriptor(`Fingerprint '${fingerprint}' is not hex`)
  const path = parsePath(steps, false)
  if (!path.ok) return path
  const parsedOrigin = { fingerprint: bytes, path: path.value.paths[0] }
  return parseBareKey(parts[1], context, state, parsedOrigin, path.value.apostrophe)
}

function parseBareKey(
  text: string,
  context: ScriptContext,
  state: ParseState,
  origin: KeyOrigin | undefined,
  originApostrophe: boolean | undefined,
): Verdict<KeyExpression[]> {
  const [key, ...steps] = text.split('/')
  if (key === '') return refuseDescriptor('No key provided')
  if (/^[ \t\n\v\f\r]|[ \t\n\v\f\r]$/.test(key)) return refuseDescriptor(`Key '${key}' is invalid due to whitespace`)
  if (steps.length === 0) {
    const fixed = parseFixedKey(key, context, state)
    if (fixed !== undefined) {
      return fixed.ok ? accept([new FixedKey(fixed.value.key, fixed.value.xOnly, origin, originApostrophe)]) : fixed
    }
  }
  return parseExtendedKey(key, steps, state, origin, originApostrophe)
}

type FixedKeyVerdict = Verdict<{ key: Uint8Array; xOnly: boolean }>

/** A key in hex or a WIF secret; `undefined` where the text is neither. */
function parseFixedKey(text: string, context: ScriptContext, state: ParseState): FixedKeyVerdict | undefined {
  const permitUncompressed = context === 'top' || context === 'sh'
  const bytes = fromHex(text)
  if (bytes !== undefined && bytes.length > 0) {
    if (bytes.length === 65 && (bytes[0] === 6 || bytes[0] === 7)) {
      return refuseDescriptor('Hybrid public keys are not allowed')
    }
    if (isPublicKey(bytes)) {
      if (!permitUncompressed && bytes.length === 65) return refuseDescriptor('Uncompressed keys are not allowed')
      return accept({ key: bytes, xOnly: false })
    }
    // BIP386: taproot keys may be written as their X alone.
    if (context === 'tr' && isXOnlyPublicKey(bytes)) return accept({ key: withEvenY(bytes), xOnly: true })
    return refuseDescriptor(`Pubkey '${text}' is invalid`)
  }
  const wif = decodeSecretKey(text, state.prefixes)
  if (wif === undefined || !isSecretKey(wif.secret)) return undefined
  if (!permitUncompressed && !wif.compressed) return refuseDescriptor('Uncompressed keys are not allowed')
  const key = publicKeyOf(wif.secret, wif.compressed)
  state.secrets.set(keyId(key), wif.secret)
  return accept({ key, xOnly: context === 'tr' })
}

function parseExtendedKey(
  text: string,
  allSteps: readonly string[],
  state: ParseState,
  origin: KeyOrigin | undefined,
  originApostrophe: boolean | undefined,
): Verdict<KeyExpression[]> {
  const root = decodeExtendedKey(text, state.prefixes)
  if (root === undefined) return refuseDescriptor(`key '${text}' is not valid`)
  const last = allSteps.at(-1)
  const range: RangeKind = last === '*' ? 'unhardened' : last === "*'" || last === '*h' ? 'hardened' : 'none'
  const steps = range === 'none' ? allSteps : allSteps.slice(0, -1)
  const parsed = parsePath(steps, true)
  if (!parsed.ok) return parsed
  if (root.secret !== undefined) state.secrets.set(keyId(root.publicKey), root.secret)
  const rangeApostrophe = range === 'hardened' ? last === "*'" : undefined
  const apostrophe = parsed.value.apostrophe ?? rangeApostrophe ?? originApostrophe ?? false
  return accept(parsed.value.paths.map(path => new DerivedKey(root, path, range, apostrophe, state.secrets, origin)))
}

/** What a list of alternatives becomes in a descriptor with `count` of them; `undefined` where the numbers do not fit. */
export function repeatAlternatives<T>(alternatives: readonly T[], count: number): readonly T[] | undefined {
  if (alternatives.length === count) return alternatives
  return alternatives.length === 1 ? new Array<T>(count).fill(alternatives[0]) : undefined
}
