import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { SwarmClient, type SwarmClientOptions } from '../../src/node/swarm/swarm-client.ts'

/** Bytes that a seed repeats and that no two places share. */
export function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i += 20) createHash('sha1').update(`${seed}/${i}`).digest().copy(bytes, i)
  return bytes
}

/** Folders, samples and clients for a test, all gone after it. */
export class Workshop {
  readonly root: string
  readonly #things: { close(): unknown }[] = []
  #folders = 0

  private constructor(root: string) {
    this.root = root
  }

  static async open(): Promise<Workshop> {
    return new Workshop(await mkdtemp(join(tmpdir(), 'peers-interop-')))
  }

  folder(): string {
    return join(this.root, `${this.#folders++}`)
  }

  async client(options: Partial<SwarmClientOptions> = {}): Promise<SwarmClient> {
    const opened = await SwarmClient.open({
      port: 0,
      host: '127.0.0.1',
      stateFolder: this.folder(),
      hashThreads: 1,
      ...options,
    })
    return this.keep(opened)
  }

  /** Closes something with the workshop, however the test ends. */
  keep<T extends { close(): unknown }>(thing: T): T {
    this.#things.push(thing)
    return thing
  }

  /** Files of the given names and sizes in a new folder of the given name; returns the folder's path. */
  async makeFiles(name: string, sizes: Readonly<Record<string, number>>): Promise<string> {
    const folder = join(this.folder(), name)
    let seed = 0
    for (const [path, size] of Object.entries(sizes)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), noise(size, seed++))
    }
    return folder
  }

  async write(name: string, bytes: Uint8Array): Promise<string> {
    const path = join(this.folder(), name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
    return path
  }

  async close(): Promise<void> {
    await Promise.all(this.#things.map(thing => thing.close()))
    await rm(this.root, { recursive: true })
  }
}

/** Names of files that are missing or different in the second folder. */
export async function differences(from: string, to: string, names: readonly string[]): Promise<string[]> {
  const different: string[] = []
  for (const name of names) {
    const [a, b] = await Promise.all([readFile(join(from, name)), readFile(join(to, name)).catch(() => undefined)])
    if (b === undefined || !a.equals(b)) different.push(name)
  }
  return different
}
