import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

/** For a test's `skip` option: why it is skipped where a program does not run, or false where it does. In CI it has to. */
export function skipUnlessRuns(program: string, args: readonly string[], what: string): string | false {
  return skipUnless(spawnSync(program, args, { stdio: 'ignore' }).status === 0, `${what} is not installed`)
}

/** The same for anything that a test needs. */
export function skipUnless(isThere: boolean, why: string): string | false {
  if (isThere) return false
  if (process.env['CI']) throw new Error(why)
  return why
}

/** Debian's python, which is the one that Debian's python3-libtorrent is for. */
export const PYTHON = '/usr/bin/python3'

/** A program under test; it is ended with the test. */
export class Program {
  readonly process: ChildProcess
  #output = ''
  #errors = ''

  constructor(program: string, args: readonly string[]) {
    this.process = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.process.stdout!.on('data', data => {
      this.#output += data
    })
    this.process.stderr!.on('data', data => {
      this.#errors += data
    })
  }

  get output(): string {
    return this.#output
  }

  get errors(): string {
    return this.#errors
  }

  /** The first line of output that `matches`; fails when the program ends without one. */
  async line(matches: (line: string) => boolean = () => true): Promise<string> {
    for (;;) {
      const lines = this.#output.split('\n').slice(0, -1)
      const found = lines.find(matches)
      if (found !== undefined) return found
      await new Promise<void>((resolve, reject) => {
        const ended = () => reject(new Error(`program ended: ${this.#errors}`))
        this.process.stdout!.once('data', () => {
          this.process.off('close', ended)
          resolve()
        })
        this.process.once('close', ended)
      })
    }
  }

  /** Resolves with the exit status. */
  ended(): Promise<number | null> {
    if (this.process.exitCode !== null) return Promise.resolve(this.process.exitCode)
    return new Promise(resolve => this.process.once('close', resolve))
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const ended = new Promise(resolve => this.process.once('close', resolve))
    this.process.kill('SIGKILL')
    await ended
  }
}
