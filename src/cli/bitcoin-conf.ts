import { readFileSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { FlagKind } from './daemon-flags.ts'
import { flagKey, flagValue, UsageError } from './read-flags.ts'
import type { Settings } from './settings.ts'

/** A section of a configuration file, and where it was named. */
export interface ConfSection {
  readonly name: string
  readonly file: string
  readonly line: number
}

/** What reading configuration files has brought besides settings. */
export interface ConfReport {
  readonly sections: ConfSection[]
  /** For the log. */
  readonly warnings: string[]
  readonly included: string[]
  /** For the terminal: inclusions in included files, which are not followed. */
  readonly ignoredIncludes: string[]
}

/** White space as configuration files know it. */
function trim(text: string): string {
  return text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
}

/** The lines of a configuration file as pairs of key and value. Throws {@link UsageError}. */
export function parseConf(text: string, file: string, sections: ConfSection[]): [key: string, value: string][] {
  const pairs: [string, string][] = []
  let prefix = ''
  for (const [i, raw] of text.split('\n').entries()) {
    const line = i + 1
    const hash = raw.indexOf('#')
    const words = trim(hash === -1 ? raw : raw.slice(0, hash))
    if (words === '') continue
    if (words.startsWith('[') && words.endsWith(']')) {
      const name = words.slice(1, -1)
      sections.push({ name, file, line })
      prefix = `${name}.`
      continue
    }
    if (words.startsWith('-')) {
      throw new UsageError(
        `parse error on line ${line}: ${words}, options in configuration file must be specified without leading -`,
      )
    }
    const equals = words.indexOf('=')
    if (equals === -1) {
      const hint =
        words.length >= 2 && words.startsWith('no')
          ? `, if you intended to specify a negated option, use ${words}=1 instead`
          : ''
      throw new UsageError(`parse error on line ${line}: ${words}${hint}`)
    }
    const key = prefix + trim(words.slice(0, equals))
    if (hash !== -1 && key.includes('rpcpassword')) {
      throw new UsageError(`parse error on line ${line}, using # in rpcpassword can be ambiguous and should be avoided`)
    }
    pairs.push([key, trim(words.slice(equals + 1))])
    const dot = key.lastIndexOf('.')
    if (dot !== -1 && prefix.length <= dot) sections.push({ name: key.slice(0, dot), file, line })
  }
  return pairs
}

/** Reads a configuration file's text into settings. Throws {@link UsageError}. */
export function applyConf(
  text: string,
  file: string,
  flags: ReadonlyMap<string, FlagKind>,
  settings: Settings,
  report: ConfReport,
): void {
  for (const [written, value] of parseConf(text, file, report.sections)) {
    const key = flagKey(written)
    if (key.name === 'conf') {
      throw new UsageError(
        'conf cannot be set in the configuration file; use includeconf= if you want to include additional config files',
      )
    }
    if (key.name === 'reindex') {
      report.warnings.push(
        'reindex=1 is set in the configuration file, which will significantly slow down startup. Consider removing or ' +
          'commenting out this option for better performance, unless there is currently a condition which makes ' +
          'rebuilding the indexes necessary',
      )
    }
    const kind = flags.get(key.name)
    if (kind === undefined) report.warnings.push(`Ignoring unknown configuration value ${written}`)
    else
      settings.add(
        key.section,
        key.name,
        flagValue(key, value, kind, message => report.warnings.push(message)),
      )
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Files that a section includes, from the `skip`th on. */
function includesOf(settings: Settings, section: string, skip = 0): string[] {
  const values = settings.config.get(section)?.get('includeconf') ?? []
  return values.slice(Math.max(skip, values.lastIndexOf(false) + 1)).map(String)
}

/**
 * Reads the configuration file and those that it includes. Throws {@link UsageError}.
 *
 * @param path undefined for none
 * @param networkName tells the network that the settings choose so far; throws {@link UsageError} where there is none such
 */
export function readConfFiles(
  options: { path: string | undefined; mustExist: boolean; folder: string },
  flags: ReadonlyMap<string, FlagKind>,
  settings: Settings,
  networkName: () => string,
): ConfReport {
  const report: ConfReport = { sections: [], warnings: [], included: [], ignoredIncludes: [] }
  const { path, mustExist, folder } = options
  if (path === undefined) return report
  if (isFolder(path)) throw new UsageError(`Config file "${path}" is a directory.`)
  const text = readIfThere(path)
  if (text === undefined) {
    if (mustExist) throw new UsageError(`specified config file "${path}" could not be opened.`)
    return report
  }
  applyConf(text, path, flags, settings, report)
  // On the command line there is only -noincludeconf.
  if (settings.commandLine.has('includeconf')) return report

  const network = networkName()
  const ofNetwork = includesOf(settings, network)
  const shared = includesOf(settings, '')
  const counts = [network, ''].map(section => settings.config.get(section)?.get('includeconf')?.length ?? 0)
  for (const name of [...ofNetwork, ...shared]) {
    const full = isAbsolute(name) ? name : join(folder, name)
    if (isFolder(full)) throw new UsageError(`Included config file "${full}" is a directory.`)
    const more = readIfThere(full)
    if (more === undefined) throw new UsageError(`Failed to include configuration file ${name}`)
    applyConf(more, name, flags, settings, report)
    report.included.push(name)
  }
  const finalNetwork = networkName()
  report.ignoredIncludes.push(...includesOf(settings, network, counts[0]), ...includesOf(settings, '', counts[1]))
  if (finalNetwork !== network) report.ignoredIncludes.push(...includesOf(settings, finalNetwork))
  return report
}
