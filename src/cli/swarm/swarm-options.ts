import { homedir } from 'node:os'
import { join } from 'node:path'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import { SwarmClient } from '../../node/swarm/swarm-client.ts'
import { peersVersion } from '../version.ts'

/** What the commands that join swarms have in common. */
export interface SwarmOptions {
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

/** Resolves when the program is asked to stop. */
export function stopAsked(): Promise<void> {
  return new Promise(resolve => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}
