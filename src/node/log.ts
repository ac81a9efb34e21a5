import type { LogCategory, LogFilter, LogLevel } from './log-filter.ts'

/** One message on its way to the log; plain data, so that it crosses threads. */
export interface LogEntry {
  readonly category: LogCategory | undefined
  readonly level: LogLevel
  readonly message: string
  /** Microseconds since 1970 by the system's clock. */
  readonly timeMicros: number
  readonly thread: string
  /** False for messages that are many by their nature, such as a line a block. */
  readonly rateLimited: boolean
  /** File, line and function that logged, where they are asked for. */
  readonly location: string | undefined
}

/** A message, or how to make it, which is not asked where it would not be written. */
export type LogMessage = string | (() => string)

export interface LogOptions {
  /** Named in every line under -logthreadnames. */
  readonly thread: string
  /** Whether to find out where each message comes from, which is slow. */
  readonly sourceLocations?: boolean
}

/**
 * What the shells of a node log through, in any thread. Secrets are never passed to it.
 *
 * @example
 * log.debug('net', () => `receiving ${command} from peer ${id}`)
 * log.info('Shutdown in progress...')
 */
export class Log {
  readonly filter: LogFilter
  readonly #write: (entry: LogEntry) => void
  readonly #options: LogOptions

  /** @param write takes entries to the file: DebugLog's `write`, or a message to the thread that has it */
  constructor(filter: LogFilter, write: (entry: LogEntry) => void, options: LogOptions) {
    this.filter = filter
    this.#write = write
    this.#options = options
  }

  trace(category: LogCategory, message: LogMessage): void {
    this.#log('trace', category, message, true)
  }

  debug(category: LogCategory, message: LogMessage): void {
    this.#log('debug', category, message, true)
  }

  info(message: LogMessage, category?: LogCategory): void {
    this.#log('info', category, message, true)
  }

  /** An {@link Log.info} that is not slowed down, however often it comes. */
  infoUnlimited(message: LogMessage): void {
    this.#log('info', undefined, message, false)
  }

  warning(message: LogMessage, category?: LogCategory): void {
    this.#log('warning', category, message, true)
  }

  error(message: LogMessage, category?: LogCategory): void {
    this.#log('error', category, message, true)
  }

  #log(level: LogLevel, category: LogCategory | undefined, message: LogMessage, limited: boolean): void {
    const always = level !== 'trace' && level !== 'debug'
    if (!always && !this.filter.willLog(category!, level)) return
    this.#write({
      category,
      level,
      message: typeof message === 'string' ? message : message(),
      timeMicros: Math.round((performance.timeOrigin + performance.now()) * 1000),
      thread: this.#options.thread,
      // What an owner has asked for in detail comes in full.
      rateLimited: limited && always,
      location: this.#options.sourceLocations ? callerLocation() : undefined,
    })
  }
}

/** `[file:line] [function]` of whoever called the log. */
function callerLocation(): string {
  const frame = new Error().stack?.split('\n')[4] ?? ''
  const match = /at (?:(.+?) \()?(?:file:\/\/)?(.*?):(\d+):\d+\)?$/.exec(frame)
  if (match === null) return '[unknown:0] [unknown]'
  const [, name = 'anonymous', path, line] = match
  return `[${path.replace(/^.*\/(?=(?:src|dist)\/)/, '')}:${line}] [${name.replace(/^.*[. ]/, '')}]`
}
