/** What long work is at. */
export interface Progress {
  /** Such as `fetching`. */
  readonly what: string
  readonly doneBytes: number
  /** Undefined for what has no end: giving. Zero while it is not known yet. */
  readonly totalBytes?: number
  readonly downBytesPerSecond?: number
  readonly upBytesPerSecond?: number
  readonly peers?: number
}

const BAR_CELLS = 24
/** Lines are for logs: not too many. */
const LINE_MS = 2000
const BAR_MS = 200

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`
}

export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown'
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}

function shareOf(doneBytes: number, totalBytes: number, withBar: boolean): string[] {
  const share = doneBytes / totalBytes
  const cells = Math.round(share * BAR_CELLS)
  return [
    ...(withBar ? [`${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)}`] : []),
    // Never rounded up to a hundred: that is for when it is done.
    `${(Math.floor(share * 1000) / 10).toFixed(1)} %`,
    `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
  ]
}

/** One line of progress for people. */
export function formatProgress(progress: Progress, withBar: boolean): string {
  const { what, doneBytes, totalBytes, downBytesPerSecond = 0, upBytesPerSecond, peers } = progress
  const parts = [`${what.padEnd(10)}`]
  if (totalBytes === undefined) parts.push(`${formatBytes(doneBytes)} given`)
  else if (totalBytes > 0) parts.push(...shareOf(doneBytes, totalBytes, withBar))
  if (downBytesPerSecond > 0) {
    parts.push(`${formatBytes(downBytesPerSecond)}/s`)
    const leftBytes = (totalBytes ?? 0) - doneBytes
    if (leftBytes > 0) parts.push(`about ${formatSeconds(leftBytes / downBytesPerSecond)} left`)
  }
  if (upBytesPerSecond) parts.push(`up ${formatBytes(upBytesPerSecond)}/s`)
  if (peers !== undefined) parts.push(`${peers} ${peers === 1 ? 'peer' : 'peers'}`)
  return parts.join('  ')
}

/** Shows progress: a bar on a terminal, lines elsewhere, one JSON object a line for programs. */
export class ProgressReporter {
  readonly #json: boolean
  readonly #isTerminal = process.stderr.isTTY === true
  #shownAt = Number.NEGATIVE_INFINITY
  #hasBar = false

  constructor(json: boolean) {
    this.#json = json
  }

  show(progress: Progress, now = performance.now()): void {
    if (now - this.#shownAt < (this.#isTerminal && !this.#json ? BAR_MS : LINE_MS)) return
    this.#shownAt = now
    if (this.#json) this.event('progress', { ...progress })
    else if (this.#isTerminal) {
      process.stderr.write(`\r\u001b[2K${formatProgress(progress, true)}`)
      this.#hasBar = true
    } else process.stderr.write(`${formatProgress(progress, false)}\n`)
  }

  /** Ends the bar, so that something else can be written. */
  clear(): void {
    if (this.#hasBar) process.stderr.write('\r\u001b[2K')
    this.#hasBar = false
  }

  /** Something that happened, for programs. */
  event(event: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#json) process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`)
  }

  /** Something that a person should know, though the work goes on. */
  warn(line: string): void {
    if (this.#json) return
    this.clear()
    process.stderr.write(`${line}\n`)
  }

  /** A line for people. */
  say(line: string): void {
    if (this.#json) return
    this.clear()
    process.stdout.write(`${line}\n`)
  }
}
