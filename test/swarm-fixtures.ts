import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { SwarmClient, type SwarmClientOptions } from '../src/node/swarm/swarm-client.ts'
import type { SwarmTorrent } from '../src/node/swarm/swarm-torrent.ts'
import type { TorrentState } from '../src/node/swarm/torrent-host.ts'

/** Sizes of the files of {@link SwarmBench.album}. */
export const ALBUM: Readonly<Record<string, number>> = {
  'a.bin': 100_000,
  'b/empty': 0,
  'b/c.bin': 1_000_001,
  'b/d.txt': 17,
  'z.bin': 700_000,
}

/** Bytes that no two places share. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 20) createHash('sha1').update(`${seed}/${i}`).digest().copy(bytes, i)
  return bytes
}

/** Folders and clients of one test file, all of which `close` removes. */
export class SwarmBench {
  readonly root: string
  readonly #open: SwarmClient[] = []
  #folders = 0

  private constructor(root: string) {
    this.root = root
  }

  static async create(name: string): Promise<SwarmBench> {
    return new SwarmBench(await mkdtemp(join(tmpdir(), `peers-${name}-`)))
  }

  /** The path of a folder that is not there yet. */
  folder(): string {
    return join(this.root, `${this.#folders++}`)
  }

  async client(options: Partial<SwarmClientOptions> = {}): Promise<SwarmClient> {
    const client = await SwarmClient.open({
      port: 0,
      host: '127.0.0.1',
      stateFolder: this.folder(),
      hashThreads: 1,
      ...options,
    })
    this.#open.push(client)
    return client
  }

  /** A folder with files of all kinds. */
  async album(): Promise<string> {
    const folder = join(this.folder(), 'album')
    for (const [index, [name, size]] of Object.entries(ALBUM).entries()) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), noise(size, index))
    }
    return folder
  }

  async closeClients(): Promise<void> {
    await Promise.all(this.#open.splice(0).map(client => client.close()))
  }

  async close(): Promise<void> {
    await this.closeClients()
    await rm(this.root, { recursive: true })
  }
}

export function addressOf(client: SwarmClient): { host: string; port: number }[] {
  return [{ host: '127.0.0.1', port: client.port! }]
}

export async function assertSameFiles(a: string, b: string, names = Object.keys(ALBUM)): Promise<void> {
  for (const name of names) assert.ok((await readFile(join(a, name))).equals(await readFile(join(b, name))), name)
}

/** Resolves when a torrent is in a state. */
export async function reaches(torrent: SwarmTorrent, state: TorrentState): Promise<void> {
  while (torrent.state !== state) await new Promise(resolve => torrent.once('state', resolve))
}
