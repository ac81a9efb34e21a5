import { connect, createServer } from 'node:net'
import type { TorrentVersion } from '../../src/bittorrent/metainfo/create-metainfo.ts'
import type { Program } from './programs.ts'

/** What a real client is asked to fetch or to seed. */
export interface Job {
  /** A .torrent file, or a magnet link. */
  readonly source: string
  /** Where the files are, or go; the torrent's own folder stands in it. */
  readonly folder: string
  /** Where Peers listens; without one, they find each other some other way. */
  readonly peer?: { readonly host: string; readonly port: number }
  /** Files to fetch, by their place in the torrent, counted from 0. */
  readonly only?: readonly number[]
  readonly upBytesPerSecond?: number
  /** Whether it asks the torrent's trackers. */
  readonly tracker?: boolean
  /** Where it listens, if not at its usual host. */
  readonly host?: string
}

/** A client that runs. */
export interface Running {
  readonly program: Program
  readonly port: number
  /** Resolves when all that was asked for is there. */
  done(): Promise<void>
}

/** How a real client is driven, and what it can do. */
export interface RealClient {
  readonly name: string
  /** Why its tests are skipped; false where it is there. */
  readonly skip: string | false
  /** Where it listens, and where Peers does. */
  readonly host: string
  /** For more of them and of Peers: some clients take all who share an address for one peer, and tell nobody of his own address. */
  readonly otherHosts: readonly [string, string]
  readonly versions: readonly TorrentVersion[]
  /** Cells that run at once; 3 unless given. */
  readonly concurrency?: number
  /** What it cannot do, by cell, and why. */
  readonly lacks: Readonly<Record<string, string>>
  /** What it says of torrents of other versions. */
  readonly unreadable: Readonly<Partial<Record<TorrentVersion, RegExp>>>
  /** Whether it writes padding files (BEP 47) as if they were files, and looks for them when it seeds. */
  readonly writesPadding?: boolean
  seed(job: Job): Promise<Running>
  get(job: Job): Promise<Running>
  /** Its words about a torrent file. */
  inspect?(torrentFile: string): Promise<string>
}

/** Addresses of this machine that need no setting up. */
export const LOOPBACK = { host: '127.0.0.1', otherHosts: ['127.0.0.2', '127.0.0.3'] } as const

/** A port that is free now. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host)
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Resolves once somebody listens there. */
export async function listening(port: number, host = '127.0.0.1'): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>(resolve => {
      const socket = connect(port, host)
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => setTimeout(() => resolve(false), 20))
    })
    if (isOpen) return
  }
}
