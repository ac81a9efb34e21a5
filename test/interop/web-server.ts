import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join, normalize } from 'node:path'
import { parseRange } from '../../src/node/swarm/stream-server.ts'

/** A plain web server of a folder, with ranges. */
export async function serveFolder(
  folder: string,
  host: string,
): Promise<{ readonly url: string; readonly requests: readonly string[]; close(): void }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(request.url!)
    const path = join(folder, normalize(decodeURIComponent(request.url!.split('?')[0])))
    stat(path).then(
      ({ size }) => {
        const range = parseRange(request.headers.range, size)
        if (range === 'invalid') {
          response.writeHead(416).end()
          return
        }
        const [start, end] = range ?? [0, size]
        response.writeHead(range === undefined ? 200 : 206, {
          'accept-ranges': 'bytes',
          'content-length': end - start,
          ...(range !== undefined && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
        })
        createReadStream(path, { start, end: end - 1 }).pipe(response)
      },
      () => response.writeHead(404).end(),
    )
  }).listen(0, host)
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://${host}:${port}/`,
    requests,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
