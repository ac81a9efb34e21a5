import type { FlagKind } from './daemon-flags.ts'
import { type Settings, type SettingValue, textAsBool } from './settings.ts'

/** A mistake in what an owner wrote; the message goes to them as it is. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** `section.noname` taken apart. */
export interface FlagKey {
  readonly section: string
  readonly name: string
  readonly negated: boolean
}

export function flagKey(text: string): FlagKey {
  const dot = text.indexOf('.')
  const name = text.slice(dot + 1)
  const negated = name.startsWith('no')
  return { section: dot === -1 ? '' : text.slice(0, dot), name: negated ? name.slice(2) : name, negated }
}

/**
 * What a flag and its value (undefined where none was written) amount to. Throws {@link UsageError}.
 *
 * @param warn told of what is allowed but looks like a mistake
 */
export function flagValue(
  key: FlagKey,
  value: string | undefined,
  kind: FlagKind,
  warn: (message: string) => void,
): SettingValue {
  if (key.negated) {
    if (!kind.negatable) throw new UsageError(`Negating of -${key.name} is meaningless and therefore forbidden`)
    if (value === undefined || textAsBool(value)) return false
    warn(`Parsed potentially confusing double-negative -${key.name}=${value}`)
    return true
  }
  if (value === undefined && kind.needsValue) {
    throw new UsageError(`Can not set -${key.name} with no value. Please specify value with -${key.name}=value.`)
  }
  return value ?? ''
}

/**
 * Reads a command line into settings, as bitcoind and bitcoin-cli do: flags with one dash or two, up to the first word that is none.
 * Returns the words from there on. Throws {@link UsageError}.
 */
export function readCommandLine(
  words: readonly string[],
  flags: ReadonlyMap<string, FlagKind>,
  settings: Settings,
  warn: (message: string) => void,
): readonly string[] {
  let rest: readonly string[] = []
  for (const [i, word] of words.entries()) {
    if (word === '-') break
    const equals = word.indexOf('=')
    const left = equals === -1 ? word : word.slice(0, equals)
    if (!left.startsWith('-')) {
      rest = words.slice(i)
      break
    }
    const key = flagKey(left.slice(left.startsWith('--') ? 2 : 1))
    const kind = flags.get(key.name)
    if (kind === undefined || key.section !== '') throw new UsageError(`Invalid parameter ${word}`)
    settings.addToCommandLine(key.name, flagValue(key, equals === -1 ? undefined : word.slice(equals + 1), kind, warn))
  }
  const includes = settings.commandLine.get('includeconf')
  if (includes !== undefined && includes.at(-1) !== false) {
    const first = includes[includes.lastIndexOf(false) + 1]
    throw new UsageError(`-includeconf cannot be used from commandline; -includeconf=${JSON.stringify(first)}`)
  }
  return rest
}
