import type { HashBackend } from '../../base/crypto/backend.ts'
import type { ChaCha20Poly1305 } from '../../base/crypto/chacha20-poly1305.ts'
import type { Random } from '../../base/ports/random.ts'
import type { Transport } from '../../bitcoin/wire/transport.ts'
import { V1Transport } from '../../bitcoin/wire/v1-transport.ts'
import { GARBAGE_BYTES_MAX, V2Transport } from '../../bitcoin/wire/v2-transport.ts'
import { TransportKeys } from './transport-keys.ts'

export interface TransportMakerOptions {
  /** The network's four bytes. */
  readonly magic: Uint8Array
  readonly random: Random
  readonly hash: Pick<HashBackend, 'sha256d'>
  readonly aead: ChaCha20Poly1305
}

/** A transport, and what of it can be used again. */
export interface MadeTransport {
  readonly transport: Transport
  /** Whether a closed connection should be tried again in plain. */
  shouldReconnectV1(bytesSent: number): boolean
  /** To be called once at the end. */
  release(): void
}

/** Makes the transports of a network's connections, with keys and garbage of their own each. */
export class TransportMaker {
  readonly #options: TransportMakerOptions
  readonly #keys: TransportKeys

  constructor(options: TransportMakerOptions) {
    this.#options = options
    this.#keys = new TransportKeys(options.random)
  }

  /** Makes a key for later. */
  prepare(): void {
    this.#keys.prepare()
  }

  plain(): MadeTransport {
    const { magic, hash } = this.#options
    const transport = new V1Transport({ magic, hash })
    return { transport, shouldReconnectV1: () => false, release: () => {} }
  }

  encrypted(role: 'initiator' | 'responder'): MadeTransport {
    const { random } = this.#options
    const key = this.#keys.take()
    const garbage = random.bytes(random.below(GARBAGE_BYTES_MAX + 1))
    const transport = new V2Transport({ ...this.#options, ...key, role, garbage })
    return {
      transport,
      shouldReconnectV1: bytesSent => transport.shouldReconnectV1(bytesSent),
      release: () => {
        // A responder that heard plain messages has shown its key to nobody.
        if (role === 'responder' && transport.protocol === 'v1') this.#keys.giveBack(key)
      },
    }
  }
}
