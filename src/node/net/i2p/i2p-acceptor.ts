import { setTimeout as sleep } from 'node:timers/promises'
import type { NetEndpoint } from '../../../bitcoin/wire/net-address.ts'
import type { Dialed } from '../dialer.ts'
import type { I2pSession } from './i2p-session.ts'

const RETRY_MS = 1000
const RETRY_MS_MAX = 300_000

export interface I2pAcceptorOptions {
  readonly session: I2pSession
  readonly onPeer: (dialed: Dialed) => void
  /** Our address in I2P was made, or has gone. */
  readonly onAddress: (endpoint: NetEndpoint) => void
  readonly onAddressGone: (endpoint: NetEndpoint) => void
}

/** Lets peers of I2P in, one after the other, as long as there is a router. */
export class I2pAcceptor {
  readonly #options: I2pAcceptorOptions
  readonly #stopping = new AbortController()
  #me: NetEndpoint | undefined

  constructor(options: I2pAcceptorOptions) {
    this.#options = options
  }

  /** Resolves once {@link I2pAcceptor.stop} was called and the session closed. */
  async run(): Promise<void> {
    let retryMs = RETRY_MS
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#acceptOne()
        retryMs = RETRY_MS
      } catch {
        await sleep(retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
        retryMs = Math.min(retryMs + RETRY_MS, RETRY_MS_MAX)
      }
    }
    this.#setAddress(undefined)
  }

  stop(): void {
    this.#stopping.abort()
    this.#options.session.close()
  }

  async #acceptOne(): Promise<void> {
    const { session, onPeer } = this.#options
    let accepting: Awaited<ReturnType<I2pSession['accept']>>
    try {
      accepting = await session.accept()
    } catch (error) {
      this.#setAddress(undefined)
      throw error
    }
    // It may have been made while we were stopped.
    if (this.#stopping.signal.aborted) session.close()
    this.#setAddress(accepting.me)
    const dialed = await accepting.accepted
    if (this.#stopping.signal.aborted) dialed.held.stream.destroy()
    else onPeer(dialed)
  }

  #setAddress(endpoint: NetEndpoint | undefined): void {
    const { onAddress, onAddressGone } = this.#options
    if (this.#me === undefined && endpoint !== undefined) onAddress(endpoint)
    if (this.#me !== undefined && endpoint === undefined) onAddressGone(this.#me)
    this.#me = endpoint
  }
}
