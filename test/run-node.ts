import { spawn } from 'node:child_process'
import { once } from 'node:events'

const TIMEOUT_MS = 30_000

/** How a program ended, and what it wrote. */
export interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/**
 * Runs a program of Node's until it ends; rejects, and ends it, where it takes too long.
 *
 * @param words the program and its arguments
 */
export async function runNode(
  words: readonly string[],
  options: { readonly cwd?: string; readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<Ended> {
  const { cwd, input = '', timeoutMs = TIMEOUT_MS } = options
  const child = spawn(process.execPath, words, { cwd, stdio: 'pipe' })
  let [out, err] = ['', '']
  child.stdout.on('data', data => {
    out += String(data)
  })
  child.stderr.on('data', data => {
    err += String(data)
  })
  // Who does not read has no need of what is left.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  try {
    await once(child, 'close', { signal: AbortSignal.timeout(timeoutMs) })
  } finally {
    child.kill('SIGKILL')
  }
  return { status: child.exitCode, out, err }
}
