import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import { SwarmClient } from '../../node/swarm/swarm-client.ts'
import type { RunningPeerOptions } from '../running-peer.ts'
import { peersVersion } from '../version.ts'
import type { RunningSwarm, SwarmAnswer } from './running-swarm.ts'

/** What the commands that join swarms have in common. */
export interface SwarmOptions extends RunningPeerOptions {
  /** Do the work here, though a peer runs. */
  readonly alone?: boolean
  readonly peer?: readonly PeerAddress[]
  readonly port?: number
  readonly up?: number
  readonly down?: number
  readonly tracker?: readonly string[]
  readonly allowPrivate?: boolean
  readonly state?: string
  readonly json?: boolean
}

export function openClient(options: SwarmOptions): Promise<SwarmClient> {
  return SwarmClient.open({
    port: options.port ?? 0,
    stateFolder: options.state ?? join(homedir(), '.peers', 'swarm'),
    client: `Peers ${peersVersion()}`,
    ...(options.up !== undefined && { uploadLimit: options.up }),
    ...(options.down !== undefined && { downloadLimit: options.down }),
    allowPrivate: options.allowPrivate ?? false,
  })
}

/** What a whole peer allows, a command cannot allow for one torrent of it. */
async function assertPrivateAllowed(swarm: RunningSwarm): Promise<void> {
  const { allow_private } = await swarm.call<SwarmAnswer>('getswarminfo')
  if (allow_private) return
  throw new OperationError(
    'private-not-allowed',
    'the running peer asks no trackers or web seeds on private networks',
    {
      next: 'start the peer with --swarm-allow-private, or do it without the peer: --alone',
    },
  )
}

/**
 * The swarm of a running peer that is to do the work; undefined where this command does it itself. Throws OperationError
 * `private-not-allowed` where it must not ask what this command is to ask.
 */
export async function peerFor(options: SwarmOptions): Promise<RunningSwarm | undefined> {
  const isOwnClient = options.port !== undefined || options.state !== undefined
  if (options.alone || isOwnClient) return undefined
  // Whoever works alone does not wait until what asks others is loaded.
  const { findSwarm, requireSwarm } = await import('./running-swarm.ts')
  const isChosen = [options.network, options.folder, options.rpcPort].some(choice => choice !== undefined)
  const swarm = await (isChosen ? requireSwarm(options) : findSwarm(options))
  if (swarm === undefined || !options.allowPrivate) return swarm
  try {
    await assertPrivateAllowed(swarm)
    return swarm
  } catch (error) {
    swarm.close()
    throw error
  }
}

/** Makes the folder that is to hold what is fetched, in full. Throws OperationError `cannot-write` where it cannot be one. */
export async function outputFolder(path: string): Promise<string> {
  const folder = resolve(path)
  await mkdir(folder, { recursive: true }).catch(cause => {
    throw new OperationError('cannot-write', `${folder} cannot be a folder: ${(cause as Error).message}`, {
      cause,
      next: 'name another one with --output',
    })
  })
  return folder
}

/** Signals so soon after the first are the same wish: of one Ctrl+C a terminal tells us, and so may whoever runs us. */
const SAME_WISH_MS = 500
/** What a shell adds to the number of the signal that ended a program. */
const SIGNAL_STATUS = 128

/** Resolves when the program is asked to stop. Asked once more, it ends at once: what was under way is as after a kill. */
export function stopAsked(now: () => number = () => performance.now()): Promise<void> {
  return new Promise(resolve => {
    let askedAt: number | undefined
    const onSignal = (signal: NodeJS.Signals, number: number) => {
      askedAt ??= now()
      resolve()
      if (now() - askedAt < SAME_WISH_MS) return
      process.stderr.write(`ended at once by a second ${signal}\n`)
      process.exit(SIGNAL_STATUS + number)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
