#!/usr/bin/env node
import { OperationError } from '../base/errors.ts'
import { isBackground, reportFailure, reportLocked, reportReady, startInBackground } from './background.ts'
import { commandLineSettings, daemonConfig } from './daemon-config.ts'
import { DAEMON_FLAGS } from './daemon-flags.ts'
import { daemonOptions } from './daemon-options.ts'
import { UsageError } from './read-flags.ts'
import { runDaemon } from './run-daemon.ts'
import { peersVersion } from './version.ts'

/** Answers -version and -help; whether there was nothing else to do. */
async function answered(words: readonly string[]): Promise<boolean> {
  const { settings } = commandLineSettings(words, DAEMON_FLAGS)
  const title = `Peers daemon version v${peersVersion()}\n`
  if (settings.bool('version')) {
    process.stdout.write(title)
    return true
  }
  if (!['?', 'h', 'help', 'help-debug'].some(name => settings.isSet(name))) return false
  const { daemonHelp } = await import('./daemon-help.ts')
  process.stdout.write(`${title}\n${daemonHelp({ all: settings.bool('help-debug') ?? false })}\n`)
  return true
}

/** What went wrong, as bitcoind says it, and what can be done. */
function failureText(error: unknown): string {
  if (error instanceof UsageError) return `Error: ${error.message}\n`
  if (error instanceof OperationError) {
    // What bitcoind would ask a person, if there were one, it says without the word.
    const label = error.code === 'block-from-the-future' ? '' : 'Error: '
    return `${label}${error.message}\n${error.next === undefined ? '' : `${error.next}\n`}`
  }
  const text = error instanceof Error ? error.message : String(error)
  return `Error: A fatal internal error occurred, see debug.log for details: ${text}\n`
}

async function main(): Promise<number> {
  // As bitcoind does it: what this program writes is nobody else's to read, unless a flag says so.
  process.umask(0o077)
  // For threads too: what Node warns of goes to the log.
  process.env['NODE_NO_WARNINGS'] = '1'
  process.removeAllListeners('warning')
  const words = process.argv.slice(2)
  try {
    if (await answered(words)) return 0
    const config = daemonConfig(words)
    const options = daemonOptions(config)
    if (!isBackground()) {
      for (const text of options.warnings) process.stderr.write(`Warning: ${text}\n`)
      for (const name of config.report.ignoredIncludes) {
        process.stderr.write(
          `warning: -includeconf cannot be used from included files; ignoring -includeconf=${name}\n`,
        )
      }
      if (options.daemon !== 'foreground') {
        process.stdout.write('Peers starting\n')
        const failure = await startInBackground(options.daemon === 'background' ? 'locked' : 'ready')
        if (failure !== undefined) process.stderr.write(failure)
        return failure === undefined ? 0 : 1
      }
    }
    await runDaemon(config, options, { onLocked: reportLocked, onReady: reportReady })
    return 0
  } catch (error) {
    reportFailure(failureText(error))
    return 1
  }
}

process.exitCode = await main()
// Nothing is left to do once what was written has left this process, whatever a library still keeps open.
process.stdout.write('', () => process.exit())
