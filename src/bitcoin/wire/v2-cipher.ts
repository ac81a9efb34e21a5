import { concatBytes, emptyBytes } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { type ChaCha20Poly1305, chacha20Keystream, POLY1305_TAG_SIZE } from '../../base/crypto/chacha20-poly1305.ts'
import { hkdfSha256 } from '../../base/crypto/hkdf.ts'

/** BIP324: bytes of a packet's length, which are encrypted apart. */
export const PACKET_LENGTH_SIZE = 3
/** BIP324: bytes of a packet besides its contents: length, header, tag. */
export const PACKET_EXPANSION = PACKET_LENGTH_SIZE + 1 + POLY1305_TAG_SIZE
export const GARBAGE_TERMINATOR_SIZE = 16
/** BIP324: packets after which a key is replaced, so that an old one that leaks opens nothing new, nor a new one the old. */
export const REKEY_INTERVAL = 224

const KEY_SIZE = 32
/** BIP324: the header bit of a packet that means nothing. */
const IGNORE_BIT = 0x80

/** 4 bytes, then 8 (as little-endian numbers): the nonces of BIP324. */
function nonceOf(packet: number, rekeys: number): Uint8Array {
  const nonce = new Uint8Array(12)
  for (let i = 0; i < 4; i++) nonce[i] = packet >>> (8 * i)
  // A connection would have to carry 2^32 × 224 packets to reach the upper half.
  for (let i = 0; i < 4; i++) nonce[4 + i] = rekeys >>> (8 * i)
  return nonce
}

/** BIP324, FSChaCha20: one stream over the lengths of 224 packets; the key of the next 224 is what follows in the stream. */
class LengthCipher {
  #key: Uint8Array
  #stream: Uint8Array = emptyBytes()
  #packet = 0
  #rekeys = 0

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** Encrypts or decrypts the three bytes at `at`, in place. */
  crypt(bytes: Uint8Array, at: number): void {
    if (this.#packet === 0) {
      const streamed = REKEY_INTERVAL * PACKET_LENGTH_SIZE
      this.#stream = chacha20Keystream(this.#key, nonceOf(0, this.#rekeys), streamed + KEY_SIZE)
      this.#key = this.#stream.slice(streamed)
    }
    const from = this.#packet * PACKET_LENGTH_SIZE
    for (let i = 0; i < PACKET_LENGTH_SIZE; i++) bytes[at + i] ^= this.#stream[from + i]
    this.#packet++
    if (this.#packet < REKEY_INTERVAL) return
    this.#packet = 0
    this.#rekeys++
  }
}

/** BIP324, FSChaCha20Poly1305: each packet under a nonce of its own, and every 224 under a key of their own. */
class ContentsCipher {
  readonly #aead: ChaCha20Poly1305
  #key: Uint8Array
  #packet = 0
  #rekeys = 0

  constructor(aead: ChaCha20Poly1305, key: Uint8Array) {
    this.#aead = aead
    this.#key = key
  }

  seal(aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    this.#aead.seal(this.#key, nonceOf(this.#packet, this.#rekeys), aad, plaintext, out)
    this.#next()
  }

  open(aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    const opened = this.#aead.open(this.#key, nonceOf(this.#packet, this.#rekeys), aad, sealed, out)
    this.#next()
    return opened
  }

  #next(): void {
    this.#packet++
    if (this.#packet < REKEY_INTERVAL) return
    this.#key = chacha20Keystream(this.#key, nonceOf(0xffff_ffff, this.#rekeys), KEY_SIZE, 1)
    this.#packet = 0
    this.#rekeys++
  }
}

/** BIP324: all that follows from the shared secret. */
export interface V2Keys {
  readonly initiatorLength: Uint8Array
  readonly initiatorContents: Uint8Array
  readonly responderLength: Uint8Array
  readonly responderContents: Uint8Array
  /** What each side ends its garbage with. */
  readonly initiatorTerminator: Uint8Array
  readonly responderTerminator: Uint8Array
  readonly sessionId: Uint8Array
}

export function deriveV2Keys(sharedSecret: Uint8Array, magic: Uint8Array): V2Keys {
  const keyFor = hkdfSha256(sharedSecret, concatBytes(utf8('bitcoin_v2_shared_secret'), magic))
  const terminators = keyFor('garbage_terminators')
  return {
    initiatorLength: keyFor('initiator_L'),
    initiatorContents: keyFor('initiator_P'),
    responderLength: keyFor('responder_L'),
    responderContents: keyFor('responder_P'),
    initiatorTerminator: terminators.slice(0, GARBAGE_TERMINATOR_SIZE),
    responderTerminator: terminators.slice(GARBAGE_TERMINATOR_SIZE),
    sessionId: keyFor('session_id'),
  }
}

/** What was in a packet. */
export interface OpenedPacket {
  /** Whether it is a decoy. */
  readonly ignore: boolean
  readonly contents: Uint8Array
}

/** One side's end of the encrypted channel: packets that go out, packets that come in. */
export class V2Cipher {
  readonly #sendLength: LengthCipher
  readonly #sendContents: ContentsCipher
  readonly #receiveLength: LengthCipher
  readonly #receiveContents: ContentsCipher

  constructor(keys: V2Keys, initiating: boolean, aead: ChaCha20Poly1305) {
    const initiator = [
      new LengthCipher(keys.initiatorLength),
      new ContentsCipher(aead, keys.initiatorContents),
    ] as const
    const responder = [
      new LengthCipher(keys.responderLength),
      new ContentsCipher(aead, keys.responderContents),
    ] as const
    ;[this.#sendLength, this.#sendContents] = initiating ? initiator : responder
    ;[this.#receiveLength, this.#receiveContents] = initiating ? responder : initiator
  }

  /**
   * A packet, ready to be sent.
   *
   * @param plaintext one byte that is free (the packet's header goes there), and the contents behind it
   * @param aad what else the packet vouches for: the garbage, in the first one
   */
  seal(plaintext: Uint8Array, aad: Uint8Array, ignore = false): Uint8Array {
    const length = plaintext.length - 1
    plaintext[0] = ignore ? IGNORE_BIT : 0
    // One byte of air in front puts the ciphertext on a multiple of four, where ciphers are at their fastest.
    const packet = new Uint8Array(new ArrayBuffer(1 + length + PACKET_EXPANSION), 1)
    for (let i = 0; i < PACKET_LENGTH_SIZE; i++) packet[i] = length >>> (8 * i)
    this.#sendLength.crypt(packet, 0)
    this.#sendContents.seal(aad, plaintext, packet.subarray(PACKET_LENGTH_SIZE))
    return packet
  }

  /** The length of the contents of the packet that begins with these three bytes. To be asked once for each packet. */
  openLength(encrypted: Uint8Array): number {
    const bytes = encrypted.slice(0, PACKET_LENGTH_SIZE)
    this.#receiveLength.crypt(bytes, 0)
    return bytes[0] | (bytes[1] << 8) | (bytes[2] << 16)
  }

  /** What is in a packet, given all that follows its length, and `out`, which is a tag shorter; `undefined` where it was tampered with. */
  open(sealed: Uint8Array, aad: Uint8Array, out: Uint8Array): OpenedPacket | undefined {
    if (!this.#receiveContents.open(aad, sealed, out)) return undefined
    return { ignore: (out[0] & IGNORE_BIT) !== 0, contents: out.subarray(1) }
  }
}
