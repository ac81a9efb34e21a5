import { OperationError } from '../../base/errors.ts'
import { NETWORK_NAMES } from '../../bitcoin/params/networks.ts'
import type { RpcClient } from '../../rpc/client.ts'
import type { Json } from '../../rpc/json/json-value.ts'
import { RPC_METHOD_NOT_FOUND, RpcError } from '../../rpc/rpc-error.ts'
import { findRunningPeer, type RunningPeerOptions } from '../running-peer.ts'

/** A torrent as a running peer tells of it. */
export interface TorrentAnswer {
  readonly infohash: string
  readonly name?: string
  readonly size?: number
  readonly state: string
  readonly error?: { readonly code: string; readonly message: string; readonly next?: string }
  readonly paused: boolean
  readonly complete: boolean
  readonly folder: string
  readonly wanted_bytes: number
  readonly done_bytes: number
  readonly download_rate: number
  readonly upload_rate: number
  readonly downloaded_bytes: number
  readonly uploaded_bytes: number
  readonly seconds_left?: number
  readonly peers: number
  readonly magnet: string
}

/** Why a torrent stands still until it is resumed; undefined where it does not. */
export function failureOf({ state, error }: TorrentAnswer): OperationError | undefined {
  if (state !== 'error' || error === undefined) return undefined
  const { code, message, next } = error
  return new OperationError(code, message, next === undefined ? {} : { next })
}

export interface SwarmAnswer {
  readonly torrents: number
  readonly port?: number
  readonly connections: number
  readonly download_rate: number
  readonly upload_rate: number
  /** Bytes a second; 0 for no limit. */
  readonly download_limit: number
  readonly upload_limit: number
  readonly allow_private: boolean
  readonly hashing: readonly { readonly path: string; readonly done_bytes: number; readonly total_bytes: number }[]
}

/** A refusal of the swarm, which RPC tells as `code: message` and what to do next, with its code again. */
function withCode(error: unknown): unknown {
  const match =
    error instanceof RpcError ? /^([a-z0-9]+(?:-[a-z0-9]+)*): (.*?)(?:\n {2}next: (.*))?$/s.exec(error.message) : null
  if (match === null) return error
  const [, code, message, next] = match
  return new OperationError(code, message, { cause: error, ...(next !== undefined && { next }) })
}

/** The swarm of a peer that runs on this machine. */
export class RunningSwarm {
  readonly #client: RpcClient

  constructor(client: RpcClient) {
    this.#client = client
  }

  /** Calls a method; refusals of the swarm are thrown as OperationError with their codes. */
  async call<T>(method: string, params: readonly Json[] = []): Promise<T> {
    try {
      return await this.#client.call<T>(method, params)
    } catch (error) {
      throw withCode(error)
    }
  }

  close(): void {
    this.#client.close()
  }
}

function swarmOf(options: RunningPeerOptions): RpcClient | undefined {
  try {
    return findRunningPeer(options).client
  } catch (error) {
    if (error instanceof OperationError && error.code === 'not-running') return undefined
    throw error
  }
}

/** Finds a running peer that has a swarm, on whatever network; undefined where there is none. */
export async function findSwarm(options: RunningPeerOptions): Promise<RunningSwarm | undefined> {
  for (const network of options.network === undefined ? NETWORK_NAMES : [options.network]) {
    const client = swarmOf({ ...options, network })
    if (client === undefined) continue
    try {
      await client.call('getswarminfo')
      return new RunningSwarm(client)
    } catch (error) {
      client.close()
      const hasNone = error instanceof RpcError && error.code === RPC_METHOD_NOT_FOUND
      const isGone = error instanceof OperationError
      if (!hasNone && !isGone) throw withCode(error)
    }
  }
  return undefined
}

/** Finds it, or says that there is none. */
export async function requireSwarm(options: RunningPeerOptions): Promise<RunningSwarm> {
  const swarm = await findSwarm(options)
  if (swarm !== undefined) return swarm
  throw new OperationError('not-running', 'no peer with a swarm runs here', {
    next: 'start one with peers start, or say where it is with --folder',
  })
}
