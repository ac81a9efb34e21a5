// Loaded into a daemon with --import: measures its main thread's event-loop delay, and writes it on exit where PEERS_DELAY_FILE says.
import { writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const resolutionMs = 1
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  // Loading modules is no delay of anybody's answer: begin when RPC may answer.
  setTimeout(() => histogram.enable(), 500).unref()
  process.on('exit', () => {
    const ms = nanoseconds => nanoseconds / 1e6 - resolutionMs
    const figures = { p99: ms(histogram.percentile(99)), max: ms(histogram.max) }
    writeFileSync(process.env.PEERS_DELAY_FILE, JSON.stringify(figures))
  })
}
