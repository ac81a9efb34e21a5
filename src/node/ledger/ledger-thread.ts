import { parentPort, workerData } from 'node:worker_threads'
import { OperationError } from '../../base/errors.ts'
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

type Handler = (...values: readonly unknown[]) => Promise<unknown>

async function call(running: RunningLedger, request: LedgerRequest & { type: 'call' }): Promise<void> {
  const { id, method, args } = request
  try {
    const target = [running.service, ...running.peers].find(candidate => method in candidate)
    const service = target as Record<string, Handler> | undefined
    if (service === undefined) throw new OperationError('no-peers', 'Nothing is done with peers')
    send({ type: 'result', id, value: await service[method](...args) })
  } catch (error) {
    send({ type: 'failed', id, error: errorMessage(error) })
  }
}

function startPeers(
  running: RunningLedger,
  { id, options: peerOptions }: LedgerRequest & { type: 'startPeers' },
): void {
  try {
    running.startPeers(peerOptions, effects => send({ type: 'effects', effects }))
    send({ type: 'result', id, value: undefined })
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
    else if (request.type === 'startPeers') startPeers(running, request)
    else if (request.type === 'inputs') running.onInputs(request.inputs)
    else void close(running)
  })
  send({ type: 'opened' })
  await running.started
  send({ type: 'started' })
} catch (error) {
  send({ type: 'fatal', error: errorMessage(error) })
}
