import assert from 'node:assert/strict'
import { hex } from '../src/base/bytes/bytes.ts'
import type { HashBackend } from '../src/base/crypto/backend.ts'
import { portableCrypto } from '../src/base/crypto/portable.ts'
import type { ConnectionEffect, ConnectionId, ConnectionInput } from '../src/bitcoin/p2p/connection-io.ts'
import type { NetEndpoint } from '../src/bitcoin/wire/net-address.ts'
import { parseNetEndpoint } from '../src/bitcoin/wire/net-address-text.ts'
import { Log } from '../src/node/log.ts'
import { LogFilter } from '../src/node/log-filter.ts'
import { Connections, type ConnectionsOptions, DEFAULT_CONNECTIONS_OPTIONS } from '../src/node/net/connections.ts'
import { Dialer, type DialerOptions } from '../src/node/net/dialer.ts'
import { TransportMaker } from '../src/node/net/make-transport.ts'
import { NO_PROXIES, Proxies } from '../src/node/net/proxies.ts'
import { nodeChaCha20Poly1305 } from '../src/platform/node-aead.ts'
import { nodeNet } from '../src/platform/node-net.ts'
import { nodeRandom } from '../src/platform/node-random.ts'

export const REGTEST_MAGIC = hex('fabfb5da')

/** Inputs of one type. */
export type InputOf<T extends ConnectionInput['type']> = Extract<ConnectionInput, { readonly type: T }>

/** Lets the system's events happen until something is so. */
export async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise(resolve => setImmediate(resolve))
}

/** A log that keeps its lines. */
export function keptLog(): { log: Log; lines: string[] } {
  const lines: string[] = []
  const filter = new LogFilter()
  filter.set('all', true)
  return { log: new Log(filter, ({ message }) => lines.push(message), { thread: 'test' }), lines }
}

/** Connections over real sockets of this machine, with a core that is the test's own. */
export class NetShell {
  readonly inputs: ConnectionInput[] = []
  readonly lines: string[]
  readonly connections: Connections
  /** Milliseconds since 1970, as the test wants them. */
  nowMs = 1_800_000_000_000
  /** Answers `accepted` and `opened` at once, by peer numbers from 0 on. */
  readonly #accepts: 'v1' | 'v1+v2' | 'none'
  #nextPeer = 0
  #nextConnection = 1

  constructor(
    options: Partial<ConnectionsOptions> = {},
    accepts: 'v1' | 'v1+v2' | 'none' = 'v1+v2',
    dialing: Partial<DialerOptions> = {},
    hash: Pick<HashBackend, 'sha256d'> = portableCrypto,
  ) {
    const { log, lines } = keptLog()
    this.lines = lines
    this.#accepts = accepts
    const random = nodeRandom
    const clock = { now: () => this.nowMs, monotonic: () => performance.now() }
    const dialer = new Dialer({
      net: nodeNet,
      random,
      log,
      connectTimeoutMs: 5000,
      cjdnsReachable: false,
      looksUpNames: true,
      proxies: new Proxies(NO_PROXIES, random),
      i2p: undefined,
      ...dialing,
    })
    const transports = new TransportMaker({
      magic: REGTEST_MAGIC,
      random,
      hash,
      aead: nodeChaCha20Poly1305,
    })
    this.connections = new Connections(
      {
        net: nodeNet,
        clock,
        log,
        dialer,
        transports,
        defer: setImmediate,
        onInputs: inputs => this.#take(inputs),
      },
      { ...DEFAULT_CONNECTIONS_OPTIONS, ...options },
    )
  }

  /** Listens on this machine; where. */
  async listen(): Promise<NetEndpoint> {
    const [at] = await this.connections.listen([{ at: { host: '127.0.0.1', port: 0 }, isOptional: false }])
    return parseNetEndpoint('127.0.0.1', at!.port)!
  }

  connect(target: NetEndpoint | { name: string; port: number }, protocol: 'v1' | 'v2', kind = 'manual'): ConnectionId {
    const connection = this.#nextConnection++
    this.connections.apply([{ type: 'connect', connection, target, protocol, kind, lastSeenSeconds: 0 }])
    return connection
  }

  apply(...effects: ConnectionEffect[]): void {
    this.connections.apply(effects)
  }

  send(connection: ConnectionId, command: string, payload: Uint8Array): void {
    this.apply({ type: 'send', connection, command, payload })
  }

  all<T extends ConnectionInput['type']>(type: T, connection?: ConnectionId): InputOf<T>[] {
    return this.inputs.filter((input): input is InputOf<T> => {
      return (
        input.type === type &&
        (connection === undefined || (input as { connection?: number }).connection === connection)
      )
    })
  }

  /** Waits for the first input of a type (of one connection). */
  async first<T extends ConnectionInput['type']>(type: T, connection?: ConnectionId): Promise<InputOf<T>> {
    await until(() => this.all(type, connection).length > 0)
    return this.all(type, connection)[0]
  }

  async logged(text: string): Promise<void> {
    await until(() => this.lines.some(line => line.includes(text)))
  }

  stop(): Promise<void> {
    return this.connections.stop()
  }

  #take(inputs: readonly ConnectionInput[]): void {
    assert.ok(inputs.length > 0)
    for (const input of inputs) {
      this.inputs.push(input)
      if (this.#accepts === 'none') continue
      const peer = this.#nextPeer
      if (input.type === 'opened') this.apply({ type: 'begin', connection: input.connection, peer })
      else if (input.type === 'accepted') {
        this.apply({ type: 'accept', connection: input.connection, peer, protocols: this.#accepts })
      } else continue
      this.#nextPeer++
    }
  }
}
