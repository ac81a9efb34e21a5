import { existsSync } from 'node:fs'
import type { Log } from '../node/log.ts'
import type { DaemonConfig } from './daemon-config.ts'
import { DAEMON_FLAGS } from './daemon-flags.ts'
import type { DaemonOptions } from './daemon-options.ts'
import { defaultDataFolder } from './data-folder.ts'
import type { SettingValue } from './settings.ts'
import { peersVersion } from './version.ts'

function logValues(
  log: Log,
  prefix: string,
  section: string,
  values: ReadonlyMap<string, readonly SettingValue[]>,
): void {
  const where = section === '' ? '' : `[${section}] `
  for (const name of [...values.keys()].sort()) {
    const kind = DAEMON_FLAGS.get(name)
    if (kind === undefined) continue
    for (const value of values.get(name)!) {
      log.info(`${prefix} ${where}${name}=${kind.secret ? '****' : JSON.stringify(value)}`)
    }
  }
}

function logConfFile(log: Log, { settings, confPath }: DaemonConfig): void {
  if (confPath === undefined) log.info('Config file: <disabled>')
  else if (existsSync(confPath)) log.info(`Config file: ${confPath}`)
  else if (!settings.isSet('conf')) log.info(`Config file: ${confPath} (not found, skipping)`)
}

/** The first lines of a run: what runs, where, and how it is set up. */
export function logStart(log: Log, config: DaemonConfig, options: DaemonOptions): void {
  const { settings, report } = config
  log.info(`Peers version v${peersVersion()}`)
  for (const warning of options.logWarnings) log.warning(warning)
  for (const warning of options.warnings) log.warning(warning)
  for (const name of report.included) log.info(`Included configuration file ${name}`)
  const times = options.peer.debugLog.timestamps ?? true
  if (!times) log.info(`Startup time: ${new Date().toISOString().slice(0, 19)}Z`)
  log.info(`Default data directory ${defaultDataFolder()}`)
  log.info(`Using data directory ${config.networkFolder}`)
  logConfFile(log, config)
  for (const [section, values] of [...config.settings.config].sort(([a], [b]) => (a < b ? -1 : 1))) {
    logValues(log, 'Config file arg:', section, values)
  }
  logValues(log, 'Setting file arg:', '', settings.readWrite)
  logValues(log, 'Command-line arg:', '', settings.commandLine)
  if (options.withoutEffect.length > 0) {
    log.info(`Taken without effect: ${options.withoutEffect.map(name => `-${name}`).join(' ')}`)
  }
  const { scriptThreads, assumeValid, minimumChainWork } = options.peer.ledger
  log.info(`Script verification uses ${scriptThreads - 1} additional threads`)
  log.info(
    assumeValid === undefined
      ? 'Validating signatures for all blocks.'
      : `Assuming ancestors of block ${assumeValid} have valid signatures.`,
  )
  log.info(`Setting nMinimumChainWork=${minimumChainWork.toString(16).padStart(64, '0')}`)
}
