import { parentPort, workerData } from 'node:worker_threads'
import { setThreadNice } from '../../platform/crypto.ts'
import { Log } from '../log.ts'
import { LogFilter } from '../log-filter.ts'
import { errorMessage, type LedgerReply, type LedgerRequest, type LedgerThreadData } from './ledger-messages.ts'
import { type RunningLedger, runLedger } from './run-ledger.ts'

/** Entry of the ledger's own thread. */
const { options, logFilter, logSourceLocations, nice, mockTimeSeconds } = workerData as LedgerThreadData
const port = parentPort!
const send = (reply: LedgerReply): void => port.postMessage(reply)
setThreadNice(nice)

const log = new Log(new LogFilter(logFilter), entry => send({ type: 'log', entry }), {
  thread: 'ledger',
  sourceLocations: logSourceLocations,
})

async function call(running: RunningLedger, request: LedgerRequest & { type: 'call' }): Promise<void> {
  const { id, method, args } = request
  try {
    const handler = running.service[method] as (...values: unknown[]) => Promise<unknown>
    send({ type: 'result', id, value: await handler.apply(running.service, [...args]) })
  } catch (error) {
    send({ type: 'failed', id, error: errorMessage(error) })
  }
}

async function close(running: RunningLedger): Promise<void> {
  try {
    await running.close()
  } catch (error) {
    send({ type: 'fatal', error: errorMessage(error) })
  }
  send({ type: 'closed' })
  port.close()
}

try {
  const running = await runLedger(
    options,
    { log, nice, mockTimeSeconds },
    { onTip: tip => send({ type: 'tip', tip }), onFatal: error => send({ type: 'fatal', error: errorMessage(error) }) },
  )
  port.on('message', (request: LedgerRequest) => {
    if (request.type === 'call') void call(running, request)
    else void close(running)
  })
  send({ type: 'opened' })
  await running.started
  send({ type: 'started' })
} catch (error) {
  send({ type: 'fatal', error: errorMessage(error) })
}
