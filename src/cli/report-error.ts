import { OperationError } from '../base/errors.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { UsageError } from './read-flags.ts'

/** Exit status of `peers`: 1 for a failure, 2 for wrong usage. */
export const EXIT_FAILURE = 1
export const EXIT_USAGE = 2

interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly next?: string
}

function describe(error: unknown): ErrorReport {
  if (error instanceof OperationError) {
    return { code: error.code, message: error.message, ...(error.next !== undefined && { next: error.next }) }
  }
  if (error instanceof UsageError) {
    return { code: 'wrong-usage', message: error.message, next: 'see peers --help, and peers <command> --help' }
  }
  if (error instanceof RpcError) return { code: `rpc${error.code}`, message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'internal-error', message, next: 'this is a fault of Peers: please report it' }
}

/** Tells a person (on stderr) or a program (on stdout) what went wrong and what to do next; the exit status. */
export function reportError(error: unknown, options: { json: boolean }): number {
  const report = describe(error)
  if (options.json) process.stdout.write(`${JSON.stringify({ error: report })}\n`)
  else {
    const next = report.next === undefined ? '' : `  next: ${report.next}\n`
    process.stderr.write(`error ${report.code}: ${report.message}\n${next}`)
  }
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE
}
