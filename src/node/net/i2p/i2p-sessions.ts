import type { Files } from '../../../base/ports/files.ts'
import type { NetEndpoint } from '../../../bitcoin/wire/net-address.ts'
import type { Dialed, I2pDialer } from '../dialer.ts'
import { I2pSession, type I2pSessionOptions } from './i2p-session.ts'

/** Fresh sessions that were made for attempts that failed, and serve the next; as Core keeps them. */
const UNUSED_SESSIONS_MAX = 10

export interface I2pSessionsOptions extends Omit<I2pSessionOptions, 'keyFolder'> {
  /** -i2pacceptincoming: the folder with the key of the address that others reach; undefined where none do. */
  readonly keyFolder: Files | undefined
}

/** Connects within I2P: from our lasting address where there is one, else from a fresh one each time, so that nothing links them. */
export class I2pSessions implements I2pDialer {
  /** Our address that others reach; undefined where none do. */
  readonly lasting: I2pSession | undefined
  readonly #options: I2pSessionsOptions
  readonly #unused: I2pSession[] = []
  readonly #used = new Set<I2pSession>()

  constructor(options: I2pSessionsOptions) {
    this.#options = options
    if (options.keyFolder !== undefined) this.lasting = new I2pSession(options)
  }

  async connect(to: NetEndpoint, transientIdentity: boolean): Promise<Dialed> {
    if (this.lasting !== undefined && !transientIdentity) return this.lasting.connect(to)
    const session = this.#unused.pop() ?? new I2pSession({ ...this.#options, keyFolder: undefined })
    this.#used.add(session)
    try {
      const dialed = await session.connect(to)
      dialed.held.afterEnd(() => this.#end(session))
      return dialed
    } catch (error) {
      if (this.#unused.length < UNUSED_SESSIONS_MAX) {
        this.#used.delete(session)
        this.#unused.push(session)
      } else this.#end(session)
      throw error
    }
  }

  close(): void {
    this.lasting?.close()
    for (const session of [...this.#unused.splice(0), ...this.#used]) session.close()
    this.#used.clear()
  }

  #end(session: I2pSession): void {
    this.#used.delete(session)
    session.close()
  }
}
