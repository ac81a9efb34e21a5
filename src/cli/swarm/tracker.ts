import { TrackerServer } from '../../node/swarm/tracker-server.ts'
import { stopAsked } from './swarm-options.ts'

export interface TrackerOptions {
  readonly host?: string
  readonly port?: number
  readonly json?: boolean
}

/** `peers tracker`: introduces peers to each other until it is stopped. */
export async function tracker(options: TrackerOptions): Promise<number> {
  const host = options.host ?? '0.0.0.0'
  const server = await TrackerServer.open({ host, port: options.port ?? 0 })
  const urls = [`http://${host}:${server.port}/announce`, `udp://${host}:${server.port}/announce`]
  if (options.json) process.stdout.write(`${JSON.stringify({ event: 'listening', urls })}\n`)
  else process.stdout.write(`${urls.join('\n')}\nCtrl+C ends it\n`)
  await stopAsked()
  await server.close()
  return 0
}
