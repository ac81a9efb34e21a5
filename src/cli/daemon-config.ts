import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { type ConfReport, readConfFiles } from './bitcoin-conf.ts'
import { DAEMON_FLAGS, type FlagKind, NETWORK_ONLY_FLAGS } from './daemon-flags.ts'
import { chosenNetwork, dataFolder, networkFolder } from './data-folder.ts'
import { readCommandLine, UsageError } from './read-flags.ts'
import { Settings } from './settings.ts'
import { readSettingsFile, writeSettingsFile } from './settings-file.ts'

export const CONF_FILE = 'bitcoin.conf'

/** A daemon's settings, and where they come from. */
export interface DaemonConfig {
  readonly settings: Settings
  readonly networkName: string
  /** The data folder, and the network's folder in it. */
  readonly folder: string
  readonly networkFolder: string
  /** Undefined under -noconf. */
  readonly confPath: string | undefined
  readonly report: ConfReport
  /** For the log. */
  readonly warnings: readonly string[]
}

/** Settings from a command line alone. Throws {@link UsageError}. */
export function commandLineSettings(
  words: readonly string[],
  flags: ReadonlyMap<string, FlagKind>,
): { settings: Settings; rest: readonly string[]; warnings: string[] } {
  const settings = new Settings(NETWORK_ONLY_FLAGS)
  const warnings: string[] = []
  try {
    const rest = readCommandLine(words, flags, settings, message => warnings.push(message))
    return { settings, rest, warnings }
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`Error parsing command line arguments: ${error.message}`) : error
  }
}

function requireDataFolder(settings: Settings): void {
  const { path, chosen } = dataFolder(settings)
  if (!chosen || statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  throw new UsageError(`Specified data directory "${settings.text('datadir')}" does not exist.`)
}

/** The configuration file that settings name; undefined under -noconf. */
function confPathOf(settings: Settings, folder: string): string | undefined {
  if (settings.isNegated('conf')) return undefined
  const name = settings.text('conf') || CONF_FILE
  return isAbsolute(name) ? name : join(folder, name)
}

/**
 * Completes settings from the configuration files and chooses the network; what follows from them stands in the result. Throws
 * {@link UsageError}.
 */
export function readConfiguration(
  settings: Settings,
  flags: ReadonlyMap<string, FlagKind>,
): { networkName: string; folder: string; confPath: string | undefined; report: ConfReport } {
  requireDataFolder(settings)
  const original = dataFolder(settings).path
  const confPath = confPathOf(settings, original)
  let report: ConfReport
  try {
    report = readConfFiles(
      { path: confPath, mustExist: settings.isSet('conf'), folder: original },
      flags,
      settings,
      () => chosenNetwork(settings),
    )
    // The file may name another data folder.
    const { path, chosen } = dataFolder(settings)
    if (chosen && !statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      throw new UsageError(`specified data directory "${settings.text('datadir')}" does not exist.`)
    }
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`Error reading configuration file: ${error.message}`) : error
  }
  const networkName = chosenNetwork(settings)
  settings.network = networkName
  return { networkName, folder: dataFolder(settings).path, confPath, report }
}

/** A bitcoin.conf in the data folder that is not the one in use is most likely a mistake. */
function checkIgnoredConf(
  settings: Settings,
  folder: string,
  original: string,
  confPath: string | undefined,
): string | undefined {
  const inFolder = join(folder, CONF_FILE)
  if (confPath === undefined || !existsSync(inFolder)) return undefined
  if (existsSync(confPath) && realpathSync(confPath) === realpathSync(inFolder)) return undefined
  const given = settings.text('conf')
  const source = given ? `command line argument "-conf=${given}"` : `data directory "${original}"`
  const message =
    `Data directory "${folder}" contains a "${CONF_FILE}" file which is ignored, because a different configuration file ` +
    `"${confPath}" from ${source} is being used instead. Possible ways to address this would be to:\n` +
    `- Delete or rename the "${CONF_FILE}" file in data directory "${folder}".\n` +
    '- Change datadir= or conf= options to specify one configuration file, not two, and use includeconf= to include any ' +
    'other configuration files.'
  if (settings.bool('allowignoredconf')) return message
  throw new UsageError(
    `${message}\n- Set allowignoredconf=1 option to treat this condition as a warning, not an error.`,
  )
}

/** Reads everything that a daemon is told, and makes its folders. Throws {@link UsageError}, its message as bitcoind's. */
export function daemonConfig(words: readonly string[]): DaemonConfig {
  const { settings, warnings } = commandLineSettings(words, DAEMON_FLAGS)
  const original = dataFolder(settings).path
  const { networkName, folder, confPath, report } = readConfiguration(settings, DAEMON_FLAGS)
  const ownFolder = networkFolder(folder, networkName)
  // bitcoind's folders, which tools and test suites expect to find.
  if (!existsSync(ownFolder)) mkdirSync(join(ownFolder, 'wallets'), { recursive: true })
  const ignored = checkIgnoredConf(settings, folder, original, confPath)
  if (ignored !== undefined) warnings.push(ignored)
  if (!settings.isNegated('settings')) {
    const name = settings.text('settings') || 'settings.json'
    const path = isAbsolute(name) ? name : join(ownFolder, name)
    warnings.push(...readSettingsFile(path, settings, DAEMON_FLAGS))
    writeSettingsFile(path, settings)
  }
  const loose = words.find(word => !word.startsWith('-'))
  if (loose !== undefined) {
    throw new UsageError(`Command line contains unexpected token '${loose}', see bitcoind -h for a list of options.`)
  }
  return { settings, networkName, folder, networkFolder: ownFolder, confPath, report, warnings }
}
