import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { OperationError } from '../../base/errors.ts'
import { assertPublicHost, guardedLookup } from './address-guard.ts'

export interface FetchOptions {
  /** Whether addresses of private networks may be asked. */
  readonly allowPrivate: boolean
  readonly timeoutMs: number
  readonly bytesMax: number
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface FetchedUrl {
  readonly status: number
  readonly body: Uint8Array
}

const REDIRECTS_MAX = 4
const REDIRECT_CODES = new Set([301, 302, 303, 307, 308])

/**
 * Fetches what a torrent points to, with all due suspicion: web addresses only, private ones refused unless allowed (redirects
 * and names included), a limit on size and time.
 *
 * @throws OperationError `url-invalid`, `private-address`, `too-many-redirects`, `answer-too-long`, `timeout`, `unreachable`
 */
export async function fetchUrl(url: string, options: FetchOptions): Promise<FetchedUrl> {
  let current = url
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const answer = await fetchOnce(current, options)
    if (answer.location === undefined) return answer
    current = new URL(answer.location, current).href
  }
  throw new OperationError('too-many-redirects', `${url} leads from one address to the next`)
}

function parseWebUrl(url: string): URL {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch (cause) {
    throw new OperationError('url-invalid', `not a web address: ${url.slice(0, 200)}`, { cause })
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new OperationError('url-invalid', `not a web address: ${url.slice(0, 200)}`)
  }
  return parsed
}

function fetchOnce(url: string, options: FetchOptions): Promise<FetchedUrl & { location?: string }> {
  const target = parseWebUrl(url)
  if (!options.allowPrivate) assertPublicHost(target.hostname)
  const open = target.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer)
      request.destroy()
      reject(
        error instanceof OperationError
          ? error
          : new OperationError('unreachable', `${target.host}: ${error.message}`, { cause: error }),
      )
    }
    const request = open(
      target,
      {
        headers: { 'user-agent': 'Peers/0.1', ...options.headers },
        ...(!options.allowPrivate && { lookup: guardedLookup }),
        ...(options.signal && { signal: options.signal }),
      },
      response => {
        const status = response.statusCode ?? 0
        const { location } = response.headers
        const chunks: Uint8Array[] = []
        let length = 0
        response.on('data', (chunk: Uint8Array) => {
          length += chunk.length
          if (length > options.bytesMax) fail(new OperationError('answer-too-long', `${target.host} sends too much`))
          else chunks.push(chunk)
        })
        response.on('error', fail)
        response.on('end', () => {
          clearTimeout(timer)
          const isRedirect = REDIRECT_CODES.has(status) && location !== undefined
          resolve({ status, body: Buffer.concat(chunks), ...(isRedirect && { location }) })
        })
      },
    )
    const timer = setTimeout(
      () => fail(new OperationError('timeout', `${target.host} does not answer`)),
      options.timeoutMs,
    )
    request.on('error', fail)
    request.end()
  })
}
