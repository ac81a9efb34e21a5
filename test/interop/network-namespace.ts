import { spawnSync } from 'node:child_process'
import { skipUnless } from './programs.ts'

/** An address that only this process and its children can reach. */
export const NAMESPACE_HOST = '10.99.0.1'
/** On the loopback device the whole network of an address is there with it. */
export const OTHER_NAMESPACE_HOSTS = ['10.99.0.2', '10.99.0.3'] as const

const MARK = 'PEERS_NETWORK_NAMESPACE'
const SETUP = `ip link set lo up && ip addr add ${NAMESPACE_HOST}/24 dev lo`

/**
 * Runs the program that calls this once more, in a network of its own, and ends with its status: for clients that refuse addresses
 * of the loopback. Returns within that network; or why there can be none here.
 */
export function enterNetworkNamespace(): string | false {
  if (process.env[MARK] !== undefined) return false
  for (const flags of [['--net'], ['--map-root-user', '--net']]) {
    if (spawnSync('unshare', [...flags, 'sh', '-c', SETUP], { stdio: 'ignore' }).status !== 0) continue
    const again = `${SETUP} && exec "$0" "$@"`
    const { status } = spawnSync(
      'unshare',
      [...flags, 'sh', '-c', again, process.execPath, ...process.execArgv, ...process.argv.slice(1)],
      { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } },
    )
    process.exit(status ?? 1)
  }
  return skipUnless(false, 'a network of its own is not allowed here (unshare --net)')
}
