import { isAbsolute, join } from 'node:path'
import type { DebugLogOptions } from '../node/debug-log.ts'
import { CHOSEN_LOG_LEVELS, LOG_CATEGORIES, LogFilter } from '../node/log-filter.ts'
import { UsageError } from './read-flags.ts'
import type { Settings } from './settings.ts'

/** How the log is to be written. */
export function debugLogOptions(settings: Settings, folder: string): Partial<DebugLogOptions> {
  const file = settings.text('debuglogfile') || 'debug.log'
  return {
    path: settings.isNegated('debuglogfile') ? undefined : isAbsolute(file) ? file : join(folder, file),
    printToConsole: settings.bool('printtoconsole') ?? !settings.bool('daemon'),
    timestamps: settings.bool('logtimestamps') ?? true,
    timeMicros: settings.bool('logtimemicros') ?? false,
    threadNames: settings.bool('logthreadnames') ?? false,
    levelAlways: settings.bool('loglevelalways') ?? false,
    rateLimit: settings.bool('logratelimit') ?? true,
    shrinkFile: settings.bool('shrinkdebugfile') ?? settings.list('debug').length === 0,
  }
}

function setLevel(filter: LogFilter, text: string): void {
  const levels = CHOSEN_LOG_LEVELS.join(', ')
  // As bitcoind: a colon among the first three characters does not part category and level.
  if (text.indexOf(':', 3) === -1) {
    if (filter.setLevel(text)) return
    throw new UsageError(`Unsupported global logging level -loglevel=${text}. Valid values: ${levels}.`)
  }
  const [category, level, ...more] = text.split(':')
  if (more.length === 0 && filter.setLevel(level, category)) return
  throw new UsageError(
    `Unsupported category-specific logging level -loglevel=${text}. Expected -loglevel=<category>:<loglevel>. ` +
      `Valid categories: ${LOG_CATEGORIES.join(', ')}. Valid loglevels: ${levels}.`,
  )
}

/** Which categories are to be logged in detail. Throws {@link UsageError}. */
export function logFilter(settings: Settings): LogFilter {
  const filter = new LogFilter()
  const categories = settings.list('debug')
  const off = Math.max(categories.lastIndexOf('0'), categories.lastIndexOf('none'))
  for (const name of categories.slice(off + 1)) {
    if (!filter.set(name, true)) throw new UsageError(`Unsupported logging category -debug=${name}.`)
  }
  for (const name of settings.list('debugexclude')) {
    if (!filter.set(name, false)) throw new UsageError(`Unsupported logging category -debugexclude=${name}.`)
  }
  for (const text of settings.list('loglevel')) setLevel(filter, text)
  return filter
}
