import { closeSync, ftruncateSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs'
import { OperationError } from '../base/errors.ts'
import type { LogEntry } from './log.ts'

/** Options of {@link DebugLog}; the defaults are bitcoind's. */
export interface DebugLogOptions {
  /** Undefined for no file. */
  readonly path: string | undefined
  readonly printToConsole: boolean
  readonly timestamps: boolean
  readonly timeMicros: boolean
  readonly threadNames: boolean
  readonly levelAlways: boolean
  readonly rateLimit: boolean
  /** Whether a large file is cut to its newest part at the start. */
  readonly shrinkFile: boolean
  /** The file is renamed to `<path>.1` (replacing an older one) when it reaches this size. */
  readonly fileSizeMaxBytes: number
}

export const DEBUG_LOG_DEFAULTS: DebugLogOptions = {
  path: undefined,
  printToConsole: false,
  timestamps: true,
  timeMicros: false,
  threadNames: false,
  levelAlways: false,
  rateLimit: true,
  shrinkFile: true,
  fileSizeMaxBytes: 200_000_000,
}

/** What a large file is cut to at the start, and by how much it may exceed that. */
const SHRINK_KEEP_BYTES = 10_000_000
const SHRINK_ABOVE_BYTES = 11_000_000

/** Lines gathered before they are written at once rather than at the end of the turn. */
const BUFFER_BYTES_MAX = 65_536

/** Unconditional messages of one kind are limited to this in each window, so that nobody fills the disk by provoking them. */
const RATE_LIMIT_BYTES_MAX = 1_048_576
const RATE_LIMIT_WINDOW_MICROS = 3600 * 1_000_000
/** Messages are of one kind if they begin alike. */
const RATE_LIMIT_KIND_LENGTH = 16
/** Kinds that are told apart; those beyond share one allowance. */
const RATE_LIMIT_KINDS_MAX = 1000

/** The log file of a node, and its console, in bitcoind's format. One thread has it; others send it their entries. */
export class DebugLog {
  readonly #options: DebugLogOptions
  readonly #limiter: RateLimiter
  readonly #mockTimeSeconds: () => number
  #fd: number | undefined
  #fileBytes = 0
  #buffer = ''
  #flushPlanned = false

  /**
   * Opens the file. Throws OperationError `debug-log-unwritable`.
   *
   * @param mockTimeSeconds the mocked time, shown beside the true one; 0 for none
   */
  constructor(options: Partial<DebugLogOptions>, mockTimeSeconds: () => number = () => 0) {
    this.#options = { ...DEBUG_LOG_DEFAULTS, ...options }
    this.#limiter = new RateLimiter()
    this.#mockTimeSeconds = mockTimeSeconds
    const { path, shrinkFile } = this.#options
    if (path === undefined) return
    try {
      this.#fd = openSync(path, 'a+', 0o600)
      this.#fileBytes = statSync(path).size
      if (shrinkFile && this.#fileBytes > SHRINK_ABOVE_BYTES) this.#shrink(this.#fd)
    } catch (cause) {
      throw new OperationError('debug-log-unwritable', `Could not open debug log file ${path}`, {
        cause,
        next: 'choose another file with -debuglogfile, or none with -nodebuglogfile',
      })
    }
    // Sets this run apart from the one before.
    this.#append('\n\n\n\n\n')
  }

  /** Keeps the newest part of the file. */
  #shrink(fd: number): void {
    const tail = new Uint8Array(SHRINK_KEEP_BYTES)
    const size = readSync(fd, tail, 0, tail.length, this.#fileBytes - tail.length)
    ftruncateSync(fd, 0)
    writeSync(fd, tail, 0, size)
    this.#fileBytes = size
  }

  /** Writes an entry: to the console at once, to the file by the end of this turn of the event loop. */
  write(entry: LogEntry): void {
    const line = this.#format(entry)
    const { rateLimit, printToConsole } = this.#options
    const verdict = rateLimit && entry.rateLimited ? this.#limiter.consume(entry, line.length) : 'pass'
    if (verdict === 'first-refused') {
      const seconds = RATE_LIMIT_WINDOW_MICROS / 1_000_000
      const message =
        `Excessive logging detected from messages like '${kindOf(entry)}...': >${RATE_LIMIT_BYTES_MAX} bytes logged ` +
        `during the last time window of ${seconds}s. Suppressing logging to disk of such messages until time window ` +
        'resets. Console logging unaffected. Last log entry.'
      this.write({ ...entry, category: undefined, level: 'warning', message, rateLimited: false })
    }
    const marked = this.#limiter.isSuppressing ? `[*] ${line}` : line
    if (printToConsole) process.stdout.write(marked)
    if (verdict !== 'refused') this.#append(marked)
  }

  #append(text: string): void {
    if (this.#fd === undefined) return
    this.#buffer += text
    if (this.#buffer.length >= BUFFER_BYTES_MAX) this.flush()
    else if (!this.#flushPlanned) {
      this.#flushPlanned = true
      setImmediate(() => this.flush())
    }
  }

  /** Writes out what is gathered. A disk that is full costs the lines, not the node. */
  flush(): void {
    this.#flushPlanned = false
    if (this.#fd === undefined || this.#buffer === '') return
    const text = this.#buffer
    this.#buffer = ''
    try {
      this.#fileBytes += writeSync(this.#fd, text)
      if (this.#fileBytes >= this.#options.fileSizeMaxBytes) this.#rotate()
    } catch (error) {
      if (this.#options.printToConsole) process.stderr.write(`debug.log: ${String(error)}\n`)
    }
  }

  #rotate(): void {
    const path = this.#options.path!
    renameSync(path, `${path}.1`)
    const next = openSync(path, 'a+', 0o600)
    closeSync(this.#fd!)
    this.#fd = next
    this.#fileBytes = 0
  }

  /** Goes on in a new file of the same name, for whoever has renamed the old one (SIGHUP). */
  reopen(): void {
    if (this.#fd === undefined) return
    this.flush()
    const next = openSync(this.#options.path!, 'a+', 0o600)
    closeSync(this.#fd)
    this.#fd = next
    this.#fileBytes = statSync(this.#options.path!).size
  }

  close(): void {
    this.flush()
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #format(entry: LogEntry): string {
    const { timestamps, threadNames, levelAlways } = this.#options
    const time = timestamps ? `${this.#timestamp(entry.timeMicros)} ` : ''
    const thread = threadNames ? `[${entry.thread}] ` : ''
    const location = entry.location === undefined ? '' : `${entry.location} `
    const text = escapeControls(entry.message)
    return `${time}${thread}${location}${prefixOf(entry, levelAlways)}${text}${text.endsWith('\n') ? '' : '\n'}`
  }

  #timestamp(micros: number): string {
    const seconds = Math.floor(micros / 1_000_000)
    const whole = isoSeconds(seconds)
    const fraction = `${micros - seconds * 1_000_000}`.padStart(6, '0')
    const mocked = this.#mockTimeSeconds()
    const mark = mocked > 0 ? ` (mocktime: ${isoSeconds(mocked)})` : ''
    return (this.#options.timeMicros ? `${whole.slice(0, -1)}.${fraction}Z` : whole) + mark
  }
}

function isoSeconds(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

/** Category and level in square brackets: a category alone means debug, nothing means info. */
function prefixOf({ category, level }: LogEntry, always: boolean): string {
  const name = category ?? (always ? 'all' : undefined)
  if (name === undefined) return level === 'info' ? '' : `[${level}] `
  return always || level !== 'debug' ? `[${name}:${level}] ` : `[${name}] `
}

/** Control characters but line breaks, spelt out: what peers and callers send must not drive a terminal. */
function escapeControls(text: string): string {
  let escaped = ''
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if ((code >= 32 || code === 10) && code !== 127) continue
    escaped += `${text.slice(from, i)}\\x${code.toString(16).padStart(2, '0')}`
    from = i + 1
  }
  return from === 0 ? text : escaped + text.slice(from)
}

function kindOf(entry: LogEntry): string {
  return entry.message.slice(0, RATE_LIMIT_KIND_LENGTH)
}

/** Counts bytes by kind of message. */
class RateLimiter {
  #windowStart = 0
  readonly #bytes = new Map<string, number>()
  isSuppressing = false

  consume(entry: LogEntry, bytes: number): 'pass' | 'first-refused' | 'refused' {
    if (entry.timeMicros - this.#windowStart > RATE_LIMIT_WINDOW_MICROS) {
      this.#windowStart = entry.timeMicros
      this.#bytes.clear()
      this.isSuppressing = false
    }
    let kind = kindOf(entry)
    if (!this.#bytes.has(kind) && this.#bytes.size >= RATE_LIMIT_KINDS_MAX) kind = ''
    const before = this.#bytes.get(kind) ?? 0
    this.#bytes.set(kind, before + bytes)
    if (before > RATE_LIMIT_BYTES_MAX) return 'refused'
    if (before + bytes <= RATE_LIMIT_BYTES_MAX) return 'pass'
    this.isSuppressing = true
    return 'first-refused'
  }
}
