import { join, resolve } from 'node:path'
import { OperationError } from '../base/errors.ts'
import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import { builtInNetwork } from '../bitcoin/params/networks.ts'
import { RpcClient } from '../rpc/client.ts'
import { COOKIE_FILE, readCookie } from '../rpc/cookie.ts'
import { commandLineSettings, readConfiguration } from './daemon-config.ts'
import { DAEMON_FLAGS } from './daemon-flags.ts'
import { networkFolder } from './data-folder.ts'
import { DirectoryLock } from './directory-lock.ts'

/** How an owner says which peer is meant. */
export interface RunningPeerOptions {
  readonly network?: string
  readonly folder?: string
  readonly rpcPort?: number
}

/** A peer that runs on this machine. */
export interface RunningPeer {
  readonly client: RpcClient
  readonly network: NetworkParams
  /** Where it keeps this network's data. */
  readonly folder: string
}

/** Finds a peer by its folder and network; throws OperationError `not-running` where there is no sign of one. */
export function findRunningPeer(options: RunningPeerOptions): RunningPeer {
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
  const network = builtInNetwork(networkName)!
  const port = options.rpcPort ?? DirectoryLock.rpcPortOf(ownFolder) ?? settings.int('rpcport') ?? network.rpcPort
  return { client: new RpcClient({ host: '127.0.0.1', port, credentials }), network, folder: ownFolder }
}
