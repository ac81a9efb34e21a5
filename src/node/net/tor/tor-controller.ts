import { setTimeout as sleep } from 'node:timers/promises'
import { utf8 } from '../../../base/bytes/utf8.ts'
import { OperationError } from '../../../base/errors.ts'
import type { Files } from '../../../base/ports/files.ts'
import type { LocalSocketPath, Net, SocketAddress } from '../../../base/ports/net.ts'
import type { NetEndpoint } from '../../../bitcoin/wire/net-address.ts'
import { formatNetEndpoint, parseNetEndpoint } from '../../../bitcoin/wire/net-address-text.ts'
import { TOR_SOCKS_PORT_DEFAULT } from '../proxy-options.ts'
import { authenticateToTor, type TorAuthenticationOptions } from './tor-authentication.ts'
import { TorControl } from './tor-control.ts'
import {
  parseTorPairs,
  socksListenerOf,
  TOR_OK,
  TOR_SYNTAX_ERROR,
  TOR_UNRECOGNIZED,
  type TorReply,
} from './tor-reply.ts'

/** Where Tor's control port is, as a rule. */
export const TOR_CONTROL_PORT_DEFAULT = 9051

/** The key of our onion service, which is its address; Core's file. */
export const ONION_KEY_FILE = 'onion_v3_private_key'

const CONNECT_TIMEOUT_MS = 10_000
const RETRY_MS = 1000
const RETRY_FACTOR = 1.5
const RETRY_MS_MAX = 600_000

export interface TorControllerOptions extends TorAuthenticationOptions {
  readonly net: Net
  /** The network's folder, which keeps the key. */
  readonly files: Files
  /** -torcontrol */
  readonly control: SocketAddress | LocalSocketPath
  readonly controlText: string
  /** The port that the service shows: the network's own, so that it tells nothing of us. */
  readonly servicePort: number
  /** Where Tor leads those who come: a listening address for them alone. */
  readonly target: NetEndpoint
  /** Whether Tor is asked for its proxy: -onion was not set. */
  readonly findsProxy: boolean
  readonly onProxy: (server: SocketAddress) => void
  readonly onService: (endpoint: NetEndpoint) => void
  readonly onServiceGone: (endpoint: NetEndpoint) => void
}

/**
 * Keeps an onion service at a Tor that may come and go.
 *
 * @example
 * const tor = new TorController(options)
 * const finished = tor.run()
 * tor.stop()
 * await finished
 */
export class TorController {
  readonly #options: TorControllerOptions
  readonly #stopping = new AbortController()
  #control: TorControl | undefined
  #service: NetEndpoint | undefined

  constructor(options: TorControllerOptions) {
    this.#options = options
  }

  /** Resolves once {@link TorController.stop} was called. */
  async run(): Promise<void> {
    const { log, controlText } = this.#options
    let retryMs = RETRY_MS
    while (!this.#stopping.signal.aborted) {
      log.debug('tor', `Attempting to connect to Tor control port ${controlText}`)
      try {
        await this.#connect()
        retryMs = RETRY_MS
        await this.#converse()
      } catch (error) {
        if (this.#stopping.signal.aborted) break
        this.#onFailure(error as Error)
      }
      this.#forget()
      log.debug('tor', `Not connected to Tor control port ${controlText}, will retry`)
      log.debug('tor', `Retrying in ${(retryMs / 1000).toFixed(1)} seconds`)
      await sleep(retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      retryMs = Math.min(retryMs * RETRY_FACTOR, RETRY_MS_MAX)
    }
    this.#forget()
  }

  stop(): void {
    this.#stopping.abort()
    this.#control?.close()
  }

  async #connect(): Promise<void> {
    const { net, control, log } = this.#options
    this.#control = await TorControl.connect(net, control, CONNECT_TIMEOUT_MS)
    if (this.#stopping.signal.aborted) this.#control.close()
    log.debug('tor', 'Successfully connected to Tor control port')
  }

  async #converse(): Promise<void> {
    const { findsProxy, log } = this.#options
    const control = this.#control!
    try {
      await authenticateToTor(control, this.#options)
      if (findsProxy) await this.#findProxy(control)
      await this.#addService(control)
    } catch (error) {
      if (!(error instanceof OperationError) || error.code === 'helper-gone') throw error
      // As in Core the connection stays: Tor would only say the same again.
      log.warning(`tor: ${error.message}`)
    }
    // The service lives as long as the connection.
    for (;;) log.debug('tor', `Received unexpected sync reply ${(await control.reply()).code}`)
  }

  async #findProxy(control: TorControl): Promise<void> {
    const { log, onProxy } = this.#options
    const reply = await control.command('GETINFO net/listeners/socks')
    const listener = reply.code === TOR_OK ? socksListenerOf(reply) : undefined
    if (listener !== undefined) log.debug('tor', `Get SOCKS port command yielded ${listener}`)
    else if (reply.code === TOR_OK) log.warning('tor: Get SOCKS port command returned nothing')
    else if (reply.code === TOR_UNRECOGNIZED) {
      log.warning('tor: Get SOCKS port command failed with unrecognized command (You probably should upgrade Tor)')
    } else log.warning(`tor: Get SOCKS port command failed; error code ${reply.code}`)
    const usual = `127.0.0.1:${TOR_SOCKS_PORT_DEFAULT}`
    const endpoint = parseNetEndpoint(listener ?? usual, TOR_SOCKS_PORT_DEFAULT) ?? parseNetEndpoint(usual, 0)!
    const text = formatNetEndpoint(endpoint)
    log.debug('tor', `Configuring onion proxy for ${text}`)
    onProxy({ host: text.slice(0, text.lastIndexOf(':')).replace(/^\[|\]$/g, ''), port: endpoint.port })
  }

  async #addService(control: TorControl): Promise<void> {
    const { files, log } = this.#options
    let key = 'NEW:ED25519-V3'
    if (files.exists(ONION_KEY_FILE)) {
      log.debug('tor', `Reading cached private key from ${ONION_KEY_FILE}`)
      key = String.fromCharCode(...files.read(ONION_KEY_FILE)).trim()
    }
    let reply = await control.command(this.#addCommand(key, true))
    const isDefended = reply.code !== TOR_SYNTAX_ERROR
    if (!isDefended) {
      log.debug('tor', 'ADD_ONION failed with PoW defenses, retrying without')
      reply = await control.command(this.#addCommand(key, false))
    }
    if (reply.code === TOR_OK) {
      log.debug('tor', `ADD_ONION successful (PoW defenses ${isDefended ? 'enabled' : 'disabled'})`)
      this.#onAdded(reply)
    } else if (reply.code === TOR_UNRECOGNIZED) {
      log.warning('tor: Add onion failed with unrecognized command (You probably need to upgrade Tor)')
    } else log.warning(`tor: Add onion failed; error code ${reply.code}`)
  }

  #addCommand(key: string, isDefended: boolean): string {
    const { servicePort, target } = this.#options
    const defense = isDefended ? ' PoWDefensesEnabled=1' : ''
    return `ADD_ONION ${key}${defense} Port=${servicePort},${formatNetEndpoint(target)}`
  }

  #onAdded(reply: TorReply): void {
    const { files, log, servicePort, onService } = this.#options
    const pairs = new Map(reply.lines.flatMap(line => [...(parseTorPairs(line) ?? [])]))
    const id = pairs.get('ServiceID')
    const endpoint = id === undefined ? undefined : parseNetEndpoint(`${id}.onion`, servicePort)
    if (endpoint === undefined) {
      log.warning('tor: Error parsing ADD_ONION parameters')
      return
    }
    log.info(`Got tor service ID ${id}, advertising service ${formatNetEndpoint(endpoint)}`)
    const key = pairs.get('PrivateKey')
    if (key !== undefined) {
      files.replace(ONION_KEY_FILE, utf8(key), { mode: 0o600 })
      log.debug('tor', `Cached service private key to ${ONION_KEY_FILE}`)
    }
    this.#service = endpoint
    onService(endpoint)
  }

  #onFailure(error: Error): void {
    const { log, controlText } = this.#options
    if (this.#control !== undefined) log.debug('tor', `Lost connection to Tor control port: ${error.message}`)
    else log.warning(`tor: Initiating connection to Tor control port ${controlText} failed`)
  }

  #forget(): void {
    this.#control?.close()
    this.#control = undefined
    const service = this.#service
    this.#service = undefined
    if (service !== undefined) this.#options.onServiceGone(service)
  }
}
