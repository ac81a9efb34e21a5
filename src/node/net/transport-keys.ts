import { encodeElligatorSwift } from '../../base/crypto/elligator-swift.ts'
import { isSecretKey } from '../../base/crypto/keys.ts'
import type { Random } from '../../base/ports/random.ts'

/** BIP324: a secret key for one connection, and its public key in 64 bytes that look random. */
export interface TransportKey {
  readonly secretKey: Uint8Array
  readonly publicKey: Uint8Array
}

/** Keys made ahead: making one takes milliseconds that a burst of connections would have to wait for. */
const READY_KEYS_MAX = 16

/** Fresh keys of connections, each used once. */
export class TransportKeys {
  readonly #random: Random
  readonly #ready: TransportKey[] = []

  constructor(random: Random) {
    this.#random = random
  }

  take(): TransportKey {
    return this.#ready.pop() ?? this.#make()
  }

  /** Takes back a key that nobody has seen: its connection turned out to be plain. */
  giveBack(key: TransportKey): void {
    if (this.#ready.length < READY_KEYS_MAX) this.#ready.push(key)
  }

  /** Makes one key where some are missing; for idle moments. */
  prepare(): void {
    if (this.#ready.length < READY_KEYS_MAX) this.#ready.push(this.#make())
  }

  #make(): TransportKey {
    let secretKey = this.#random.bytes(32)
    while (!isSecretKey(secretKey)) secretKey = this.#random.bytes(32)
    return { secretKey, publicKey: encodeElligatorSwift(secretKey, this.#random) }
  }
}
