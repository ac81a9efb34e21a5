import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { OperationError } from '../base/errors.ts'

/** One user of the RPC interface; of the password only a salted hash is kept. */
interface Credential {
  readonly user: string
  readonly salt: string
  /** HMAC-SHA256 of the password under the salt. */
  readonly hash: Buffer
}

/** Verified headers that are remembered, so that a client's every request need not be hashed twice. */
const REMEMBERED_MAX = 64

function hashPassword(password: string, salt: string): Buffer {
  return createHmac('sha256', salt).update(password).digest()
}

/** Decides who may call: `user:password` pairs from the cookie and from options. */
export class Authorization {
  readonly #credentials: Credential[] = []
  /** Digests of headers that were right, with their user. */
  readonly #remembered = new Map<string, string>()

  /** Admits a user by a password in clear. */
  addPassword(user: string, password: string): void {
    const salt = randomBytes(16).toString('hex')
    this.#credentials.push({ user, salt, hash: hashPassword(password, salt) })
  }

  /**
   * Admits a user by an entry of -rpcauth, `user:salt$hash` with an HMAC-SHA256 in hex. Throws OperationError `rpcauth-invalid`
   * for any other form.
   */
  addRpcAuth(entry: string): void {
    const fields = entry.split(':')
    const [salt, hash, ...more] = (fields[1] ?? '').split('$')
    if (fields.length !== 2 || hash === undefined || more.length > 0) {
      throw new OperationError('rpcauth-invalid', 'Invalid -rpcauth argument.', {
        next: 'write it as user:salt$hash',
      })
    }
    this.#credentials.push({ user: fields[0], salt, hash: Buffer.from(hash, 'hex') })
  }

  /** The user whom an Authorization header shows to be who they say; undefined for anyone else. */
  userOf(header: string): string | undefined {
    if (!header.startsWith('Basic ')) return undefined
    // Remembered by digest, so that no comparison takes time that tells how much of a password was right.
    const digest = createHash('sha256').update(header).digest('base64')
    const known = this.#remembered.get(digest)
    if (known !== undefined) return known
    const text = Buffer.from(header.slice(6).trim(), 'base64').toString('utf8')
    const colon = text.indexOf(':')
    if (colon === -1) return undefined
    const user = text.slice(0, colon)
    if (!this.#check(user, text.slice(colon + 1))) return undefined
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    this.#remembered.set(digest, user)
    return user
  }

  #check(user: string, password: string): boolean {
    let right = false
    for (const credential of this.#credentials) {
      const hash = hashPassword(password, credential.salt)
      const same = hash.length === credential.hash.length && timingSafeEqual(hash, credential.hash)
      if (credential.user === user && same) right = true
    }
    return right
  }
}
