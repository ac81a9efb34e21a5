import { isAbsolute } from 'node:path'
import { OperationError } from '../../base/errors.ts'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import { parseAddress } from '../../node/swarm/parse-address.ts'
import type { SessionTorrent } from '../../node/swarm/session-torrents.ts'
import { assertTrackerUrl, parseWebUrl } from '../../node/swarm/source-urls.ts'
import type { SwarmSession } from '../../node/swarm/swarm-session.ts'
import { asArray, asBigInt, asString, INT64_MAX, type RpcArguments, wrongType } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import { type Json, JsonObject } from '../json/json-value.ts'
import type { RpcMethod, RpcParam } from '../method.ts'
import { RPC_INVALID_PARAMETER, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'

/** The parameter by which a torrent is named. */
export const TORRENT: RpcParam = {
  name: 'torrent',
  type: 'string',
  required: true,
  about: 'Its infohash, the first six digits of it or more, or its name.',
}

/** Refusals of the swarm as `code: message`, and what to do next on a line of its own. */
function asRpcError(error: unknown): unknown {
  if (!(error instanceof OperationError)) return error
  const next = error.next === undefined ? '' : `\n  next: ${error.next}`
  return new RpcError(RPC_MISC_ERROR, `${error.code}: ${error.message}${next}`)
}

/** A method of the swarm: its handler gets the session, and may throw OperationError. */
export function swarmMethod(
  method: Omit<RpcMethod, 'handler' | 'category'> & {
    readonly handler: (session: SwarmSession, args: RpcArguments) => Json | Promise<Json>
  },
): RpcMethod {
  return {
    ...method,
    category: 'swarm',
    handler: async (context: RpcContext, args: RpcArguments) => {
      const session = context.swarm()
      if (session === undefined) throw new RpcError(RPC_MISC_ERROR, 'no-swarm: the swarm has not been opened')
      try {
        return await method.handler(session, args)
      } catch (error) {
        throw asRpcError(error)
      }
    },
  }
}

export function torrentOf(session: SwarmSession, args: RpcArguments): SessionTorrent {
  return session.find(args.string('torrent'))
}

/** A path on the peer's machine; one that is relative would depend on where the peer was started. */
export function absolutePath(text: string, name: string): string {
  if (isAbsolute(text)) return text
  throw new RpcError(RPC_INVALID_PARAMETER, `${name} must be an absolute path`)
}

/** Bytes a second as given: `Infinity` for 0, which limits nothing. */
export function asLimit(value: Json | undefined): number {
  const limit = Number(asBigInt(value, 0n, INT64_MAX))
  return limit === 0 ? Number.POSITIVE_INFINITY : limit
}

/** Peers as people write them. */
export function peersOf(texts: readonly string[]): PeerAddress[] {
  return texts.map(text => {
    const address = parseAddress(text)
    if (address === undefined) throw new RpcError(RPC_INVALID_PARAMETER, `${text} is not host:port`)
    return address
  })
}

/** Fields of an `options` parameter, all of which are known. */
export class OptionFields {
  readonly #values: JsonObject

  constructor(args: RpcArguments, param: RpcParam) {
    const given = args.value(param.name) ?? new JsonObject()
    if (!(given instanceof JsonObject)) throw wrongType(given, 'object')
    this.#values = given
    const unknown = given.keys.find(key => !param.fields?.some(field => field.name === key))
    if (unknown !== undefined) throw new RpcError(RPC_INVALID_PARAMETER, `Unknown option ${unknown}`)
  }

  bool(name: string): boolean {
    const value = this.#values.get(name) ?? false
    if (typeof value !== 'boolean') throw wrongType(value, 'bool')
    return value
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name)
    return value === undefined ? undefined : asString(value)
  }

  texts(name: string): string[] {
    return asArray(this.#values.get(name) ?? []).map(asString)
  }

  size(name: string): number | undefined {
    const value = this.#values.get(name)
    return value === undefined ? undefined : Number(asBigInt(value, 0n, INT64_MAX))
  }

  /** Bytes a second; undefined where it is left out, or 0. */
  limit(name: string): number | undefined {
    return this.size(name) || undefined
  }

  /** Addresses of trackers; throws OperationError `url-invalid`. */
  trackers(): string[] {
    const urls = this.texts('trackers')
    for (const url of urls) assertTrackerUrl(url)
    return urls
  }

  webSeeds(): string[] {
    const urls = this.texts('web_seeds')
    for (const url of urls) parseWebUrl(url)
    return urls
  }

  peers(): PeerAddress[] {
    return peersOf(this.texts('peers'))
  }
}
