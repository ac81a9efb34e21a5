/** What a setting can be: text, a negation (`false`), a negated negation (`true`), or a number from settings.json. */
export type SettingValue = string | number | boolean

type Source = 'command-line' | 'read-write' | 'section' | 'default-section'

/** Values of one source; those up to the last negation are void. */
class Span {
  readonly values: readonly SettingValue[]
  /** How many values at the start are void. */
  readonly negated: number

  constructor(values: readonly SettingValue[]) {
    this.values = values
    this.negated = values.lastIndexOf(false) + 1
  }

  get lastNegated(): boolean {
    return this.values.length > 0 && this.values.at(-1) === false
  }

  get live(): readonly SettingValue[] {
    return this.values.slice(this.negated)
  }
}

const INT64_MAX = 2n ** 63n - 1n

/** The whole number that a text begins with, as C's strtoll reads it; 0 where there is none. */
export function leadingInteger(text: string): number {
  const match = /^[ \t\n\v\f\r]*(?:\+(?!-))?(-?\d+)/.exec(text)
  if (match === null) return 0
  const value = BigInt(match[1])
  return Number(value > INT64_MAX ? INT64_MAX : value < -INT64_MAX ? -INT64_MAX : value)
}

/** bitcoind's notion of a switch: present means on, else any number but 0. */
export function textAsBool(text: string): boolean {
  return text === '' || leadingInteger(text) !== 0
}

function asText(value: SettingValue): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value)
}

/**
 * An owner's settings from all sources, with bitcoind's order of precedence: command line, settings.json, the network's section of
 * the configuration file, the file's part for all networks. Names come without a leading dash.
 */
export class Settings {
  readonly commandLine = new Map<string, SettingValue[]>()
  readonly readWrite = new Map<string, SettingValue[]>()
  /** By section (empty for the part for all networks), then by name. */
  readonly config = new Map<string, Map<string, SettingValue[]>>()
  /** The network whose section counts; empty until it is known. */
  network = ''
  readonly #networkOnly: ReadonlySet<string>

  /** @param networkOnly names that do not apply to other networks than main from the part for all networks */
  constructor(networkOnly: ReadonlySet<string>) {
    this.#networkOnly = networkOnly
  }

  add(section: string, name: string, value: SettingValue): void {
    let values = this.config.get(section)
    if (values === undefined) {
      values = new Map()
      this.config.set(section, values)
    }
    const list = values.get(name)
    if (list === undefined) values.set(name, [value])
    else list.push(value)
  }

  addToCommandLine(name: string, value: SettingValue): void {
    const list = this.commandLine.get(name)
    if (list === undefined) this.commandLine.set(name, [value])
    else list.push(value)
  }

  *#spans(name: string, network = this.network): Generator<readonly [Span, Source]> {
    const found = (values: readonly SettingValue[] | undefined): Span | undefined => values && new Span(values)
    const line = found(this.commandLine.get(name))
    if (line !== undefined) yield [line, 'command-line']
    const readWrite = found(this.readWrite.get(name))
    if (readWrite !== undefined) yield [readWrite, 'read-write']
    const section = network === '' ? undefined : found(this.config.get(network)?.get(name))
    if (section !== undefined) yield [section, 'section']
    const shared = found(this.config.get('')?.get(name))
    if (shared !== undefined) yield [shared, 'default-section']
  }

  #ignoresShared(name: string): boolean {
    return this.network !== 'main' && this.#networkOnly.has(name)
  }

  /** The value that counts; undefined where there is none. In files, the first of several counts, elsewhere the last. */
  get(name: string): SettingValue | undefined {
    for (const [span, source] of this.#spans(name)) {
      if (this.#ignoresShared(name) && source === 'default-section' && !span.lastNegated) continue
      const live = span.live
      if (live.length > 0) return source === 'section' || source === 'default-section' ? live[0] : live.at(-1)
      if (span.lastNegated) return false
    }
    return undefined
  }

  /** A choice of network: negations on the command line do not count, and in files the last value does. */
  networkChoice(name: string): boolean {
    for (const [span] of this.#spans(name, '')) {
      const value = span.live.at(-1)
      if (value !== undefined) return typeof value === 'boolean' ? value : textAsBool(String(value))
    }
    return false
  }

  /** All values from all sources; a negation voids what stands before it and in sources behind it. */
  list(name: string): string[] {
    const result: string[] = []
    let done = false
    let negatedEmpty = false
    for (const [span, source] of this.#spans(name)) {
      if (this.#ignoresShared(name) && source === 'default-section') continue
      // Values of the file come back where a negation on the command line is followed by a value.
      const revived = (source === 'section' || source === 'default-section') && !negatedEmpty
      if (!done || revived) result.push(...span.live.map(asText))
      done ||= span.negated > 0
      negatedEmpty ||= span.lastNegated && result.length === 0
    }
    return result
  }

  isSet(name: string): boolean {
    return this.get(name) !== undefined
  }

  isNegated(name: string): boolean {
    return this.get(name) === false
  }

  text(name: string): string | undefined {
    const value = this.get(name)
    return value === undefined ? undefined : asText(value)
  }

  int(name: string): number | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    return typeof value === 'string' ? leadingInteger(value) : Number(value)
  }

  bool(name: string): boolean | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    return typeof value === 'boolean' ? value : textAsBool(String(value))
  }

  /** Names that are set for all networks alone though they only apply to main from there. */
  unsuitableNames(): string[] {
    if (this.network === '' || this.network === 'main') return []
    const names: string[] = []
    for (const name of this.#networkOnly) {
      let shared = false
      let other = false
      for (const [span, source] of this.#spans(name)) {
        if (span.live.length === 0) continue
        if (source === 'default-section') shared = true
        else other = true
      }
      if (shared && !other) names.push(name)
    }
    return names.sort()
  }
}
