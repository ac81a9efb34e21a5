import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import { builtInNetwork } from '../../bitcoin/params/networks.ts'
import { RpcClient } from '../../rpc/client.ts'
import { COOKIE_FILE, readCookie } from '../../rpc/cookie.ts'
import { commandLineSettings, readConfiguration } from '../daemon-config.ts'
import { DAEMON_FLAGS } from '../daemon-flags.ts'
import { networkFolder } from '../data-folder.ts'

export interface StopOptions {
  readonly network?: string
  readonly folder?: string
  readonly json?: boolean
}

const POLL_MS = 20
/** A peer may have much to write. */
const STOP_TIMEOUT_MS = 10 * 60_000

/** `peers stop`: asks a peer to stop, and waits until it has. */
export async function stop(options: StopOptions): Promise<number> {
  const words = [
    ...(options.network === undefined ? [] : [`-chain=${options.network}`]),
    ...(options.folder === undefined ? [] : [`-datadir=${resolve(options.folder)}`]),
  ]
  const { settings } = commandLineSettings(words, DAEMON_FLAGS)
  const { networkName, folder } = readConfiguration(settings, DAEMON_FLAGS)
  const ownFolder = networkFolder(folder, networkName)
  const credentials = readCookie(join(ownFolder, COOKIE_FILE))
  if (credentials === undefined) {
    throw new OperationError('not-running', `no peer runs on ${ownFolder}: it has no cookie file`, {
      next: 'name its data folder with --folder and its network with --network',
    })
  }
  const port = settings.int('rpcport') ?? builtInNetwork(networkName)!.rpcPort
  const client = new RpcClient({ host: '127.0.0.1', port, credentials })
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
