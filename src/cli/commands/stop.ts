import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import { findRunningPeer } from '../running-peer.ts'

export interface StopOptions {
  readonly network?: string
  readonly folder?: string
  readonly rpcPort?: number
  readonly json?: boolean
}

const POLL_MS = 20
/** A peer may have much to write. */
const STOP_TIMEOUT_MS = 10 * 60_000

/** `peers stop`: asks a peer to stop, and waits until it has. */
export async function stop(options: StopOptions): Promise<number> {
  const { client, folder: ownFolder } = findRunningPeer(options)
  await client.call('stop')
  client.close()
  const deadline = performance.now() + STOP_TIMEOUT_MS
  while (existsSync(join(ownFolder, '.lock'))) {
    if (performance.now() > deadline) {
      throw new OperationError('stop-timeout', `the peer on ${ownFolder} has not stopped yet`, {
        next: 'look at the end of its debug.log',
      })
    }
    await new Promise(resolvePause => setTimeout(resolvePause, POLL_MS))
  }
  process.stdout.write(options.json ? `${JSON.stringify({ stopped: ownFolder })}\n` : `stopped ${ownFolder}\n`)
  return 0
}
