import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RpcClient } from '../src/rpc/client.ts'
import { readCookie } from '../src/rpc/cookie.ts'
import { RpcError } from '../src/rpc/rpc-error.ts'

const PROGRAM = fileURLToPath(new URL('../dist/programs/peersd.js', import.meta.url))
/** A start that takes longer has failed. */
const START_TIMEOUT_MS = 60_000
const POLL_MS = 10

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

/** A peersd of the built package on regtest, in a folder of its own, for tests and benchmarks of whole processes. */
export class Daemon {
  readonly folder: string
  readonly rpcPort: number
  #child: ChildProcess | undefined
  #errorText = ''

  private constructor(folder: string, rpcPort: number) {
    this.folder = folder
    this.rpcPort = rpcPort
  }

  static async create(): Promise<Daemon> {
    return new Daemon(mkdtempSync(join(tmpdir(), 'peersd-')), await freePort())
  }

  get pid(): number {
    return this.#child!.pid!
  }

  /** What the process wrote to stderr. */
  get errorText(): string {
    return this.#errorText
  }

  /** Starts the process; `nodeArgs` go to Node itself. Resolves at once. */
  spawn(args: readonly string[] = [], nodeArgs: readonly string[] = []): void {
    rmSync(join(this.folder, 'regtest', '.cookie'), { force: true })
    const all = [
      ...nodeArgs,
      PROGRAM,
      '-regtest',
      `-datadir=${this.folder}`,
      `-rpcport=${this.rpcPort}`,
      '-listen=0',
      '-printtoconsole=0',
      ...args,
    ]
    this.#errorText = ''
    this.#child = spawn(process.execPath, all, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr!.on('data', data => {
      this.#errorText += String(data)
    })
  }

  /** A client of the running process; undefined while there is no cookie yet. */
  client(): RpcClient | undefined {
    const credentials = readCookie(join(this.folder, 'regtest', '.cookie'))
    return credentials === undefined ? undefined : new RpcClient({ host: '127.0.0.1', port: this.rpcPort, credentials })
  }

  /** Starts the process and waits until RPC answers. */
  async start(args: readonly string[] = [], nodeArgs: readonly string[] = []): Promise<RpcClient> {
    this.spawn(args, nodeArgs)
    return this.ready()
  }

  /** Waits until RPC answers; throws where the process ends before. */
  async ready(): Promise<RpcClient> {
    const deadline = performance.now() + START_TIMEOUT_MS
    while (performance.now() < deadline) {
      if (!this.isRunning) throw new Error(`peersd ended before it was ready: ${this.#errorText}`)
      const client = this.client()
      if (client !== undefined) {
        try {
          await client.call('getblockcount')
          return client
        } catch (error) {
          client.close()
          const isEarly = error instanceof RpcError ? error.code === -28 : true
          if (!isEarly) throw error
        }
      }
      await pause(POLL_MS)
    }
    throw new Error('peersd was not ready in time')
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Ends the process as a power cut would, as far as a process can be. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Asks the process to stop; its exit status. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    if (child === undefined) return null
    if (this.isRunning) {
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    }
    return child.exitCode
  }

  /** Peak resident memory in bytes, as Linux has it; undefined elsewhere. */
  peakMemoryBytes(): number | undefined {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
    } catch {
      return undefined
    }
  }

  /** CPU seconds that the process has used so far, as Linux has it. */
  cpuSeconds(): number | undefined {
    try {
      const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1].split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    } catch {
      return undefined
    }
  }

  /** Ends the process if need be, and removes its folder. */
  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
