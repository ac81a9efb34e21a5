import { fromHex } from '../../base/bytes/bytes.ts'
import { accept, type Verdict } from '../../base/verdict.ts'
import { type AddressPrefixes, decodeAddress } from '../primitives/address.ts'
import { MAX_PUBKEYS_PER_MULTISIG, MAX_SCRIPT_ELEMENT_SIZE } from '../script/limits.ts'
import { DESCRIPTOR_CHECKSUM_SIZE, descriptorChecksum } from './checksum.ts'
import type { SecretKeys } from './derived-key.ts'
import type { Descriptor, TapTree } from './descriptor.ts'
import type { KeyExpression } from './key-expression.ts'
import {
  type ParseState,
  parseKey,
  parseUint32,
  refuseDescriptor,
  repeatAlternatives,
  type ScriptContext,
} from './parse-key.ts'

/** BIP342: keys of a multi_a are limited by the stack alone; Bitcoin Core's bound on descriptors. */
const MAX_PUBKEYS_PER_MULTI_A = 999
/** Bare multisig beyond this is not standard and refused at top level. */
const MAX_BARE_MULTISIG_KEYS = 3
/** BIP341: the longest path in a control block. */
const TAPROOT_TREE_DEPTH_MAX = 128

/** A parsed text. */
export interface ParsedDescriptor {
  /** One, or one for each alternative of a multipath step (BIP389). */
  readonly descriptors: readonly Descriptor[]
  /** The checksum of the text as it was given. */
  readonly checksum: string
  readonly hasSecrets: boolean
}

/**
 * Parses an output descriptor. Rejections carry, as their detail, the message of Bitcoin Core's `getdescriptorinfo`.
 *
 * @example
 * const parsed = parseDescriptor('wpkh(xpub…/0/*)', main.addresses)
 * if (parsed.ok) descriptorScripts(parsed.value.descriptors[0], 7)
 */
export function parseDescriptor(
  text: string,
  prefixes: AddressPrefixes,
  options: { requireChecksum?: boolean } = {},
): Verdict<ParsedDescriptor> {
  const checked = checkChecksum(text, options.requireChecksum ?? false)
  if (!checked.ok) return checked
  const secrets: SecretKeys = new Map()
  const input = new Cursor(checked.value.body)
  const parsed = parseScript(input, 'top', { prefixes, secrets })
  if (!parsed.ok) return parsed
  // Bitcoin Core has no words for text left over behind a complete descriptor.
  if (input.rest !== '') return refuseDescriptor('')
  return accept({ descriptors: parsed.value, checksum: checked.value.checksum, hasSecrets: secrets.size > 0 })
}

function checkChecksum(text: string, required: boolean): Verdict<{ body: string; checksum: string }> {
  const parts = text.split('#')
  if (parts.length > 2) return refuseDescriptor("Multiple '#' symbols")
  if (parts.length === 1 && required) return refuseDescriptor('Missing checksum')
  const [body, given] = parts
  if (given !== undefined && given.length !== DESCRIPTOR_CHECKSUM_SIZE) {
    return refuseDescriptor(`Expected 8 character checksum, not ${given.length} characters`)
  }
  const checksum = descriptorChecksum(body)
  if (checksum === undefined) return refuseDescriptor('Invalid characters in payload')
  if (given !== undefined && given !== checksum) {
    return refuseDescriptor(`Provided checksum '${given}' does not match computed checksum '${checksum}'`)
  }
  return accept({ body, checksum })
}

/** What is left to be read of a text. */
class Cursor {
  rest: string

  constructor(text: string) {
    this.rest = text
  }

  /** Reads `text` if it is next. */
  take(text: string): boolean {
    if (!this.rest.startsWith(text)) return false
    this.rest = this.rest.slice(text.length)
    return true
  }

  /** Reads up to a comma or closing bracket that belongs to no bracket opened here. */
  takeExpression(): string {
    let level = 0
    let at = 0
    for (; at < this.rest.length; at++) {
      const character = this.rest[at]
      if (character === '(' || character === '{') level++
      else if (level > 0 && (character === ')' || character === '}')) level--
      else if (level === 0 && (character === ')' || character === '}' || character === ',')) break
    }
    const expression = this.rest.slice(0, at)
    this.rest = this.rest.slice(at)
    return expression
  }
}

interface Call {
  readonly name: string
  readonly body: string
}

const KEY_FUNCTIONS = ['pk', 'pkh', 'combo', 'wpkh'] as const
const MULTI_FUNCTIONS = ['multi', 'sortedmulti', 'multi_a', 'sortedmulti_a'] as const
const NESTING_FUNCTIONS = ['sh', 'wsh'] as const
const OTHER_FUNCTIONS = ['addr', 'tr', 'rawtr', 'unused', 'raw'] as const
const FUNCTIONS: readonly string[] = [...KEY_FUNCTIONS, ...MULTI_FUNCTIONS, ...NESTING_FUNCTIONS, ...OTHER_FUNCTIONS]

function asCall(expression: string): Call | undefined {
  const open = expression.indexOf('(')
  const name = expression.slice(0, Math.max(open, 0))
  if (!expression.endsWith(')') || !FUNCTIONS.includes(name)) return undefined
  return { name, body: expression.slice(open + 1, -1) }
}

/** Where each function may stand, and what is said elsewhere; `undefined` marks those that miniscript knows too. */
const PLACES: Readonly<Record<string, { contexts: readonly ScriptContext[]; message: string | undefined }>> = {
  pk: { contexts: ['top', 'sh', 'wsh', 'tr'], message: undefined },
  pkh: { contexts: ['top', 'sh', 'wsh'], message: undefined },
  combo: { contexts: ['top'], message: 'Can only have combo() at top level' },
  wpkh: { contexts: ['top', 'sh'], message: 'Can only have wpkh() at top level or inside sh()' },
  multi: {
    contexts: ['top', 'sh', 'wsh'],
    message: 'Can only have multi/sortedmulti at top level, in sh(), or in wsh()',
  },
  sortedmulti: {
    contexts: ['top', 'sh', 'wsh'],
    message: 'Can only have multi/sortedmulti at top level, in sh(), or in wsh()',
  },
  multi_a: { contexts: ['tr'], message: 'Can only have multi_a/sortedmulti_a inside tr()' },
  sortedmulti_a: { contexts: ['tr'], message: 'Can only have multi_a/sortedmulti_a inside tr()' },
  sh: { contexts: ['top'], message: 'Can only have sh() at top level' },
  wsh: { contexts: ['top', 'sh'], message: 'Can only have wsh() at top level or inside sh()' },
  addr: { contexts: ['top'], message: 'Can only have addr() at top level' },
  tr: { contexts: ['top'], message: 'Can only have tr at top level' },
  rawtr: { contexts: ['top'], message: 'Can only have rawtr at top level' },
  unused: { contexts: ['top'], message: 'Can only have unused at top level' },
  raw: { contexts: ['top'], message: 'Can only have raw() at top level' },
}

type Alternatives = Verdict<readonly Descriptor[]>

/** Parses one script expression from the input, in its context. */
function parseScript(input: Cursor, context: ScriptContext, state: ParseState): Alternatives {
  const expression = input.takeExpression()
  const call = asCall(expression)
  if (call === undefined) return refuseUnknown(expression, context)
  const place = PLACES[call.name]
  if (!place.contexts.includes(context)) {
    return place.message === undefined ? refuseUnknown(expression, context) : refuseDescriptor(place.message)
  }
  switch (call.name) {
    case 'pk':
    case 'pkh':
    case 'combo':
    case 'wpkh':
      return parseKeyFunction(call.name, call.body, context, state)
    case 'multi':
    case 'sortedmulti':
    case 'multi_a':
    case 'sortedmulti_a':
      return parseMultisig(call.name, call.body, context, state)
    case 'sh':
    case 'wsh':
      return parseNested(call.name, call.body, state)
    case 'addr': {
      const address = decodeAddress(call.body, state.prefixes)
      if (!address.ok) return refuseDescriptor('Address is not valid')
      return accept([{ type: 'addr', destination: address.destination }])
    }
    case 'tr':
      return parseTaproot(call.body, state)
    case 'rawtr':
      return parseRawTaproot(call.body, state)
    case 'raw': {
      const script = fromHex(call.body)
      if (script === undefined || script.length === 0) return refuseDescriptor('Raw script is not hex')
      return accept([{ type: 'raw', script }])
    }
    default:
      return refuseDescriptor(`${call.name}() is not supported`)
  }
}

const MINISCRIPT =
  /^(?:[asctdvjnlu]+:)?(?:pk|pkh|pk_k|pk_h|older|after|sha256|hash256|ripemd160|hash160|andor|and_v|and_b|and_n|or_b|or_c|or_d|or_i|thresh|multi|multi_a)\(.*\)$/s

function refuseUnknown(expression: string, context: ScriptContext): Alternatives {
  if (MINISCRIPT.test(expression)) {
    const inPlace = context === 'wsh' || context === 'tr'
    return refuseDescriptor(
      inPlace
        ? `Miniscript is not supported: '${expression}'`
        : 'Miniscript expressions can only be used in wsh or tr.',
    )
  }
  if (context === 'sh') return refuseDescriptor('A function is needed within P2SH')
  if (context === 'wsh') return refuseDescriptor('A function is needed within P2WSH')
  return refuseDescriptor(`'${expression}' is not a valid descriptor function`)
}

/** Puts a function's name before a message about its key. */
function prefixed<T>(prefix: string, verdict: Verdict<T>): Verdict<T> {
  return verdict.ok ? verdict : refuseDescriptor(`${prefix}: ${verdict.detail}`)
}

function parseKeyFunction(
  type: 'pk' | 'pkh' | 'combo' | 'wpkh',
  body: string,
  context: ScriptContext,
  state: ParseState,
): Alternatives {
  const keys = prefixed(`${type}()`, parseKey(body, type === 'wpkh' ? 'wpkh' : context, state))
  if (!keys.ok) return keys
  return accept(
    keys.value.map((key): Descriptor => (type === 'pk' ? { type, key, tapscript: context === 'tr' } : { type, key })),
  )
}

function parseMultisig(
  type: (typeof MULTI_FUNCTIONS)[number],
  body: string,
  context: ScriptContext,
  state: ParseState,
): Alternatives {
  const input = new Cursor(body)
  const thresholdText = input.takeExpression()
  const threshold = parseUint32(thresholdText)
  if (threshold === undefined) return refuseDescriptor(`Multi threshold '${thresholdText}' is not valid`)
  const keys: KeyExpression[][] = []
  while (input.rest !== '') {
    if (!input.take(',')) return refuseDescriptor(`Multi: expected ',', got '${input.rest[0]}'`)
    const key = prefixed('Multi', parseKey(input.takeExpression(), context, state))
    if (!key.ok) return key
    keys.push(key.value)
  }
  const fault = multisigFault(type, threshold, keys, context)
  if (fault !== undefined) return refuseDescriptor(fault)
  const count = Math.max(...keys.map(key => key.length))
  const columns = keys.map(key => repeatAlternatives(key, count))
  if (columns.includes(undefined))
    return refuseDescriptor('multi(): Multipath derivation paths have mismatched lengths')
  return accept(
    Array.from({ length: count }, (_, i): Descriptor => ({ type, threshold, keys: columns.map(column => column![i]) })),
  )
}

function multisigFault(
  type: (typeof MULTI_FUNCTIONS)[number],
  threshold: number,
  keys: readonly KeyExpression[][],
  context: ScriptContext,
): string | undefined {
  const count = keys.length
  const inTapscript = type === 'multi_a' || type === 'sortedmulti_a'
  const countMax = inTapscript ? MAX_PUBKEYS_PER_MULTI_A : MAX_PUBKEYS_PER_MULTISIG
  if (count === 0 || count > countMax) {
    const what = inTapscript ? 'multi_a' : 'multisig'
    return `Cannot have ${count} keys in ${what}; must have between 1 and ${countMax} keys, inclusive`
  }
  if (threshold < 1) return `Multisig threshold cannot be ${threshold}, must be at least 1`
  if (threshold > count) {
    return `Multisig threshold cannot be larger than the number of keys; threshold is ${threshold} but only ${count} keys specified`
  }
  if (context === 'top' && count > MAX_BARE_MULTISIG_KEYS) {
    return `Cannot have ${count} pubkeys in bare multisig; only at most 3 pubkeys`
  }
  const scriptSize = keys.reduce((sum, key) => sum + key[0].keySize + 1, 3)
  if (context === 'sh' && scriptSize > MAX_SCRIPT_ELEMENT_SIZE) {
    return `P2SH script is too large, ${scriptSize} bytes is larger than ${MAX_SCRIPT_ELEMENT_SIZE} bytes`
  }
  return undefined
}

function parseNested(type: 'sh' | 'wsh', body: string, state: ParseState): Alternatives {
  const input = new Cursor(body)
  const inner = parseScript(input, type, state)
  if (!inner.ok) return inner
  if (input.rest !== '') return refuseDescriptor('')
  return accept(inner.value.map((descriptor): Descriptor => ({ type, inner: descriptor })))
}

function parseRawTaproot(body: string, state: ParseState): Alternatives {
  const input = new Cursor(body)
  const text = input.takeExpression()
  if (input.rest !== '') return refuseDescriptor('rawtr(): only one key expected.')
  const keys = prefixed('rawtr()', parseKey(text, 'tr', state))
  if (!keys.ok) return keys
  return accept(keys.value.map((key): Descriptor => ({ type: 'rawtr', key })))
}

/** A tree whose leaves may have alternatives. */
type TreeShape = readonly Descriptor[] | { readonly left: TreeShape; readonly right: TreeShape }

function parseTaproot(body: string, state: ParseState): Alternatives {
  const input = new Cursor(body)
  const keys = prefixed('tr()', parseKey(input.takeExpression(), 'tr', state))
  if (!keys.ok) return keys
  let shape: TreeShape | undefined
  const leaves: (readonly Descriptor[])[] = []
  if (input.rest !== '') {
    if (!input.take(',')) return refuseDescriptor(`tr: expected ',', got '${input.rest[0]}'`)
    const tree = parseTree(input, 0, leaves, state)
    if (!tree.ok) return tree
    if (input.rest !== '') return refuseDescriptor("tr(): expected ')' after script expression")
    shape = tree.value
  }
  const count = Math.max(keys.value.length, ...leaves.map(leaf => leaf.length))
  if (leaves.some(leaf => repeatAlternatives(leaf, count) === undefined)) {
    return refuseDescriptor('tr(): Multipath subscripts have mismatched lengths')
  }
  const internalKeys = repeatAlternatives(keys.value, count)
  if (internalKeys === undefined) {
    return refuseDescriptor('tr(): Multipath internal key mismatches multipath subscripts lengths')
  }
  return accept(
    internalKeys.map(
      (key, i): Descriptor => ({ type: 'tr', key, tree: shape === undefined ? undefined : treeAt(shape, i) }),
    ),
  )
}

function treeAt(shape: TreeShape, alternative: number): TapTree {
  if ('left' in shape) {
    return { type: 'branch', left: treeAt(shape.left, alternative), right: treeAt(shape.right, alternative) }
  }
  return shape[shape.length === 1 ? 0 : alternative]
}

function parseTree(
  input: Cursor,
  depth: number,
  leaves: (readonly Descriptor[])[],
  state: ParseState,
): Verdict<TreeShape> {
  if (!input.take('{')) {
    const text = new Cursor(input.takeExpression())
    const leaf = parseScript(text, 'tr', state)
    if (leaf.ok) leaves.push(leaf.value)
    return leaf
  }
  if (depth + 1 > TAPROOT_TREE_DEPTH_MAX) {
    return refuseDescriptor(`tr() supports at most ${TAPROOT_TREE_DEPTH_MAX} nesting levels`)
  }
  const left = parseTree(input, depth + 1, leaves, state)
  if (!left.ok) return left
  if (!input.take(',')) return refuseDescriptor("tr(): expected ',' after script expression")
  const right = parseTree(input, depth + 1, leaves, state)
  if (!right.ok) return right
  if (!input.take('}')) return refuseDescriptor("tr(): expected '}' after script expression")
  return accept({ left: left.value, right: right.value })
}
