import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** Whatever can seed and fetch: the words of all of them stand in swarm-process.mjs. */
export interface SwarmProgram {
  readonly name: string
  readonly command: readonly [program: string, ...args: string[]]
  /** Words that make it what its name says. */
  readonly words: readonly string[]
}

export interface Fetched {
  readonly seconds: number
  /** From the start of the process to the first byte of a piece. */
  readonly firstByteSeconds: number
  readonly cpuSeconds: number
  readonly memoryBytes: number
  /** Bytes a second, in windows of a second. */
  readonly rates?: readonly number[]
}

/** What a side took from its start to its end, without loading its program. */
export interface Taken {
  readonly cpuSeconds: number
  readonly memoryBytes: number
  readonly uploadedBytes: number
  /** Bytes a second that went out, in windows of a second. */
  readonly rates?: readonly number[]
}

const PYTHON = '/usr/bin/python3'
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export const PEERS: SwarmProgram = { name: 'Peers', command: [process.execPath, path('swarm-process.mjs')], words: [] }

const hasLibtorrent = spawnSync(PYTHON, ['-c', 'import libtorrent'], { stdio: 'ignore' }).status === 0
const hasWebtorrent = existsSync(path('../test/interop/webtorrent/node_modules/webtorrent'))

/** `undefined` where it is not installed. */
export const LIBTORRENT: SwarmProgram | undefined = hasLibtorrent
  ? { name: 'libtorrent', command: [PYTHON, path('swarm-libtorrent.py')], words: [] }
  : undefined
export const LIBTORRENT_TUNED: SwarmProgram | undefined = LIBTORRENT && {
  ...LIBTORRENT,
  name: 'libtorrent tuned',
  words: ['tuned'],
}
export const WEBTORRENT: SwarmProgram | undefined = hasWebtorrent
  ? { name: 'webtorrent', command: [process.execPath, path('swarm-webtorrent.mjs')], words: [] }
  : undefined

/** One running client. */
export class SwarmSide {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>
  #port = 0

  private constructor(process: ChildProcessByStdio<Writable, Readable, null>) {
    this.#process = process
    this.#lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]()
  }

  /** Resolves once it listens. */
  static async start(
    { command, words }: SwarmProgram,
    mode: 'seed' | 'get',
    folder: string,
    torrent: string,
    options: readonly string[] = [],
  ): Promise<SwarmSide> {
    const [program, ...args] = command
    const child = spawn(program, [...args, mode, folder, torrent, ...words, ...options], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const side = new SwarmSide(child)
    side.#port = (await side.#line<{ port: number }>()).port
    return side
  }

  async #line<T>(): Promise<T> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`${this.#process.spawnargs.join(' ')} has ended`)
    return JSON.parse(value)
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get port(): number {
    return this.#port
  }

  get #isGone(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** Bytes that it had resident at most so far; `undefined` once it is gone. */
  peakMemory(): number | undefined {
    if (this.#isGone) return undefined
    const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${this.#process.pid}/status`, 'utf8'))!
    return 1024 * Number(kibibytes)
  }

  call(address: string): void {
    this.#process.stdin.write(`${address}\n`)
  }

  /** Resolves once it has everything. */
  fetched(): Promise<Fetched> {
    return this.#line()
  }

  /** Ends it at once, whatever it is at. */
  async kill(): Promise<void> {
    if (this.#isGone) return
    const gone = new Promise(resolve => this.#process.once('close', resolve))
    this.#process.kill('SIGKILL')
    await gone
  }

  async end(): Promise<Taken> {
    const gone = new Promise(resolve => this.#process.once('close', resolve))
    this.#process.stdin.end()
    const taken = await this.#line<Taken>()
    await gone
    return taken
  }
}

export async function emptyFolder(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  return folder
}
