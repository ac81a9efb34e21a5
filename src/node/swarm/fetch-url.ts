import type { Agent, AgentOptions, IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import { OperationError } from '../../base/errors.ts'
import { assertPublicHost, guardedLookup } from './address-guard.ts'
import { parseWebUrl } from './source-urls.ts'

export interface OpenUrlOptions {
  /** Whether addresses of private networks may be asked. */
  readonly allowPrivate: boolean
  /** Whether the owner of this peer has named the address: it may be private then, but what it leads to may not. */
  readonly isOwners?: boolean
  /** How long a server may take to answer, and be silent within its answer. */
  readonly timeoutMs: number
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Keeps connections for the next request; never shared with one that allows more. Without it, none is kept. */
  readonly agent?: (protocol: string, AgentOfProtocol: new (options: AgentOptions) => Agent) => Agent
  /** Who looks names up where private addresses are not allowed. */
  readonly lookup?: LookupFunction
}

export interface FetchOptions extends OpenUrlOptions {
  readonly bytesMax: number
}

export interface FetchedUrl {
  readonly status: number
  readonly body: Uint8Array
}

const REDIRECTS_MAX = 4
const REDIRECT_CODES = new Set([301, 302, 303, 307, 308])

/**
 * Asks for what a torrent points to, with all due suspicion: web addresses only, private ones refused unless allowed (redirects and
 * names included). Returns the answer once its head is there; whoever reads the body, or does not, destroys it.
 *
 * @throws OperationError `url-invalid`, `private-address`, `too-many-redirects`, `timeout`, `unreachable`
 */
export async function openUrl(url: string, options: OpenUrlOptions): Promise<IncomingMessage> {
  let current = url
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const isOwners = redirects === 0 && options.isOwners === true
    const answer = await openOnce(current, isOwners ? { ...options, allowPrivate: true } : options)
    const { location } = answer.headers
    if (!REDIRECT_CODES.has(answer.statusCode ?? 0) || location === undefined) return answer
    answer.destroy()
    current = URL.canParse(location, current) ? new URL(location, current).href : location
  }
  throw new OperationError('too-many-redirects', `${url} leads from one address to the next`)
}

/** Most torrents ask no web server, and need not wait until what asks them is loaded. */
function webClient(protocol: string): Promise<Pick<typeof import('node:http'), 'request' | 'Agent'>> {
  return protocol === 'https:' ? import('node:https') : import('node:http')
}

async function openOnce(url: string, options: OpenUrlOptions): Promise<IncomingMessage> {
  const target = parseWebUrl(url)
  if (!options.allowPrivate) assertPublicHost(target.hostname)
  const { request: open, Agent: AgentOfProtocol } = await webClient(target.protocol)
  return new Promise((resolve, reject) => {
    const request = open(
      target,
      {
        headers: { 'user-agent': 'Peers/0.1', 'accept-encoding': 'identity', ...options.headers },
        timeout: options.timeoutMs,
        ...(!options.allowPrivate && { lookup: options.lookup ?? guardedLookup }),
        ...(options.signal && { signal: options.signal }),
        // The agent that all requests share would hand on a connection which somebody has made who may call more.
        agent: options.agent?.(target.protocol, AgentOfProtocol) ?? false,
      },
      resolve,
    )
    request.on('timeout', () => request.destroy(new OperationError('timeout', `${target.host} does not answer`)))
    request.on('error', error => {
      reject(
        error instanceof OperationError
          ? error
          : new OperationError('unreachable', `${target.host}: ${error.message}`, { cause: error }),
      )
    })
    request.end()
  })
}

/**
 * Fetches the whole of what a torrent points to, within limits of size and time.
 *
 * @throws OperationError as {@link openUrl}, and `answer-too-long`
 */
export async function fetchUrl(url: string, options: FetchOptions): Promise<FetchedUrl> {
  const overall = AbortSignal.timeout(options.timeoutMs)
  const signal = options.signal === undefined ? overall : AbortSignal.any([options.signal, overall])
  const host = () => new URL(url).host
  try {
    const answer = await openUrl(url, { ...options, signal })
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of answer) {
      length += chunk.length
      // Leaving the loop destroys the answer.
      if (length > options.bytesMax) throw new OperationError('answer-too-long', `${host()} sends too much`)
      chunks.push(chunk)
    }
    return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }
  } catch (error) {
    if (overall.aborted) throw new OperationError('timeout', `${host()} does not answer`, { cause: error })
    if (error instanceof OperationError) throw error
    throw new OperationError('unreachable', `${host()}: ${(error as Error).message}`, { cause: error })
  }
}
