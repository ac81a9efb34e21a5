import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { builtInNetwork, NETWORK_NAMES } from '../bitcoin/params/networks.ts'
import { UsageError } from './read-flags.ts'
import type { Settings } from './settings.ts'

/**
 * Where Peers keeps everything unless told otherwise. Not bitcoind's folder: two programs must not come to share one by accident.
 */
export function defaultDataFolder(): string {
  if (process.platform === 'win32') return join(process.env['LOCALAPPDATA'] ?? homedir(), 'Peers')
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Peers')
  return join(homedir(), '.peers')
}

/** The data folder that settings choose; whether it was chosen. */
export function dataFolder(settings: Settings): { path: string; chosen: boolean } {
  const chosen = settings.text('datadir') ?? ''
  return chosen === '' ? { path: defaultDataFolder(), chosen: false } : { path: resolve(chosen), chosen: true }
}

/** The network that settings choose. Throws {@link UsageError} where they choose two, or one that does not exist. */
export function chosenNetwork(settings: Settings): string {
  const switches = ['regtest', 'signet', 'testnet', 'testnet4'].filter(name => settings.networkChoice(name))
  const chain = settings.text('chain')
  if (switches.length + (chain === undefined ? 0 : 1) > 1) {
    throw new UsageError(
      'Invalid combination of -regtest, -signet, -testnet, -testnet4 and -chain. Can use at most one.',
    )
  }
  const name = chain ?? switches[0] ?? 'main'
  if (name === 'testnet' || name === 'test') {
    throw new UsageError('testnet3 is not supported here; use -testnet4 or -signet')
  }
  if (!NETWORK_NAMES.includes(name)) throw new UsageError(`Unknown chain ${name}.`)
  return name
}

/** The network's own folder in a data folder. */
export function networkFolder(folder: string, networkName: string): string {
  return join(folder, builtInNetwork(networkName)!.folder)
}
