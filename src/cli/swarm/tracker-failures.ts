import type { ProgressReporter } from './progress.ts'
import type { SourcesAnswer } from './swarm-table.ts'

/** Tells of trackers that fail, of each once: it is asked again and again, and for a hybrid by both of its infohashes. */
export class TrackerFailures {
  readonly #reporter: ProgressReporter
  readonly #told = new Set<string>()

  constructor(reporter: ProgressReporter) {
    this.#reporter = reporter
  }

  /** Looks at how the trackers of a torrent fare. */
  look(trackers: SourcesAnswer['trackers']): void {
    for (const { url, error: message, code, next } of trackers) {
      if (message === undefined || this.#told.has(url)) continue
      this.#told.add(url)
      this.#reporter.warn(`tracker ${url}: ${message}${next === undefined ? '' : `\n  next: ${next}`}`)
      this.#reporter.event('tracker-failed', { url, code, message, ...(next !== undefined && { next }) })
    }
  }
}
