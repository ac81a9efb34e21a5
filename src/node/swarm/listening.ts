import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { OperationError } from '../../base/errors.ts'

const PORT_MAX = 65_535

/** Throws OperationError `port-invalid` where nothing can have this port; 0 stands for any free one. */
export function assertPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= PORT_MAX) return
  throw new OperationError('port-invalid', `${port} is no port`, { next: `give a whole number from 0 to ${PORT_MAX}` })
}

const OTHER_HOST = 'choose an address of this machine, or leave it out for all of them'

const REASONS: Readonly<Record<string, readonly [code: string, next: string]>> = {
  EADDRINUSE: ['port-in-use', 'choose another port'],
  EACCES: ['port-not-allowed', 'choose a port from 1024 on'],
  EADDRNOTAVAIL: ['address-not-ours', OTHER_HOST],
  ENOTFOUND: ['host-unknown', OTHER_HOST],
  EAI_AGAIN: ['host-unknown', OTHER_HOST],
}

/** What keeps somebody from listening, by name. */
export function listenError(cause: unknown, host: string | undefined, port: number): OperationError {
  const where = host === undefined ? `port ${port}` : `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const { code: reason = '', message } = cause as NodeJS.ErrnoException
  const [code, next] = REASONS[reason] ?? ['cannot-listen', 'choose another port']
  return new OperationError(code, `cannot listen on ${where}: ${message}`, { cause, next })
}

/** The address of this machine that a host stands for. Throws OperationError `host-unknown`. */
export async function addressOfHost(host: string, port: number): Promise<{ address: string; family: number }> {
  return lookup(host).catch(cause => {
    throw listenError(cause, host, port)
  })
}
