import { isIPv6 } from 'node:net'
import { TrackerServer } from '../../node/swarm/tracker-server.ts'
import { stopAsked } from './swarm-options.ts'

export interface TrackerOptions {
  readonly host?: string
  readonly port?: number
  readonly json?: boolean
}

const ANY_HOST: ReadonlySet<string> = new Set(['0.0.0.0', '::'])
/** How often it tells what it is at, if anything. */
const PROGRESS_MS = 2000

function tell({ announces, registry }: TrackerServer, json: boolean): void {
  const torrents = registry.swarmCount
  if (json) process.stdout.write(`${JSON.stringify({ event: 'progress', announces, torrents })}\n`)
  else process.stderr.write(`announces ${announces}  torrents ${torrents}\n`)
}

/** `peers tracker`: introduces peers to each other until it is stopped. */
export async function tracker(options: TrackerOptions): Promise<number> {
  const host = options.host ?? '0.0.0.0'
  const server = await TrackerServer.open({ host, port: options.port ?? 0 })
  const at = `${isIPv6(host) ? `[${host}]` : host}:${server.port}`
  const urls = [`http://${at}/announce`, `udp://${at}/announce`]
  if (options.json) process.stdout.write(`${JSON.stringify({ event: 'listening', urls })}\n`)
  else {
    const where = ANY_HOST.has(host) ? `${host} stands for any address of this machine\n` : ''
    process.stdout.write(`${urls.join('\n')}\n${where}Ctrl+C ends it\n`)
  }
  let told = 0
  const progress = setInterval(() => {
    const { announces } = server
    if (announces === told) return
    told = announces
    tell(server, options.json ?? false)
  }, PROGRESS_MS)
  await stopAsked()
  clearInterval(progress)
  await server.close()
  return 0
}
