import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { RpcClient } from '../../src/rpc/client.ts'
import { readCookie } from '../../src/rpc/cookie.ts'
import { freePort } from '../daemon.ts'
import { type Ended, runNode } from '../run-node.ts'
import { noise } from '../swarm-fixtures.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/programs/peers.js', import.meta.url))
const TIMEOUT_MS = 120_000
const running = new Set<ChildProcess>()

export interface Torrent {
  readonly infohash: string
  readonly infohash_v1?: string
  readonly infohash_v2?: string
  readonly name: string
  readonly state: string
  readonly complete: boolean
  readonly paused: boolean
  readonly folder: string
  readonly magnet: string
  readonly done_bytes: number
  readonly downloaded_bytes: number
  readonly upload_limit: number
  readonly error?: { readonly code: string }
}

/** A peer of `peers start` with a swarm, and the commands that go through it. */
export class SwarmPeer {
  readonly folder: string
  readonly rpcPort: number
  #child: ChildProcess | undefined

  private constructor(folder: string, rpcPort: number) {
    this.folder = folder
    this.rpcPort = rpcPort
  }

  /** A peer that runs, with its data in this folder. */
  static async open(folder: string, ...more: readonly string[]): Promise<SwarmPeer> {
    const peer = new SwarmPeer(folder, await freePort())
    await peer.start(...more)
    return peer
  }

  /** Ends what a test that failed has left. */
  static killAll(): void {
    for (const child of running) child.kill('SIGKILL')
  }

  async start(...more: readonly string[]): Promise<void> {
    const words = ['start', '-n', 'regtest', '-f', this.folder, '--rpc-port', `${this.rpcPort}`, '--no-listen']
    const child = spawn(process.execPath, [PROGRAM, ...words, '--connect', '0', '--swarm-port', '0', '--json', ...more])
    this.#child = child
    running.add(child)
    child.once('close', () => running.delete(child))
    let errors = ''
    child.stderr.on('data', data => {
      errors += String(data)
    })
    for await (const line of createInterface({ input: child.stdout })) if (JSON.parse(line).event === 'ready') return
    throw new Error(`it did not start: ${errors}`)
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const closed = once(this.#child!, 'close')
    this.#child!.kill(signal)
    await closed
    return this.#child!.exitCode
  }

  client(credentials = readCookie(join(this.folder, 'regtest', '.cookie'))!): RpcClient {
    return new RpcClient({ host: '127.0.0.1', port: this.rpcPort, credentials })
  }

  async call<T>(method: string, params: Parameters<RpcClient['call']>[1] = []): Promise<T> {
    const client = this.client()
    try {
      return await client.call<T>(method, params)
    } finally {
      client.close()
    }
  }

  /** Resolves when a torrent is as it should be. */
  async until(torrent: string, isRight: (torrent: Torrent) => boolean): Promise<Torrent> {
    for (const deadline = performance.now() + 30_000; ; ) {
      const found = await this.call<Torrent>('gettorrent', [torrent])
      if (isRight(found)) return found
      assert.ok(performance.now() < deadline, JSON.stringify(found))
    }
  }

  async port(): Promise<number> {
    return (await this.call<{ port: number }>('getswarminfo')).port
  }

  /** A command that finds it by its folder alone. */
  run(...words: readonly string[]): Promise<Ended> {
    return runPeers(...words, '-f', this.folder)
  }
}

/** One of the commands, until it ends. */
export function runPeers(...words: readonly string[]): Promise<Ended> {
  return runNode([PROGRAM, ...words], { timeoutMs: TIMEOUT_MS })
}

/** A folder of 2.1 MB in a folder. */
export async function makeAlbum(folder: string): Promise<string> {
  const album = join(folder, 'album')
  await mkdir(join(album, 'live'), { recursive: true })
  await writeFile(join(album, 'one.flac'), noise(900_000, 1))
  await writeFile(join(album, 'live', 'two.flac'), noise(1_200_000, 2))
  await writeFile(join(album, 'cover.jpg'), noise(5000, 3))
  return album
}

export async function assertAlbum(album: string, folder: string): Promise<void> {
  for (const name of ['one.flac', 'live/two.flac', 'cover.jpg']) {
    assert.ok((await readFile(join(album, name))).equals(await readFile(join(folder, name))), name)
  }
}
