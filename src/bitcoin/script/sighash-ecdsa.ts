import { equalBytes } from '../../base/bytes/bytes.ts'
import type { ByteWriter } from '../../base/bytes/writer.ts'
import { type Sha256Stream, sha256Stream } from '../../base/crypto/hash.ts'
import { signsNoOutput, writeLegacyPreimage } from './sighash-legacy.ts'
import { writeSegwitPreimage } from './sighash-segwit.ts'
import {
  SIG_WITNESS_V0,
  SIGHASH_ANYONECANPAY,
  SIGHASH_NONE,
  SIGHASH_SINGLE,
  type SigVersion,
} from './signature-version.ts'
import type { TransactionHashes } from './transaction-hashes.ts'

/** The number one, in the byte order of hashes. */
const ONE = new Uint8Array(32)
ONE[0] = 1

/** Modes that make different preimages: three kinds of outputs, each with all inputs or one. */
const MODE_COUNT = 6

function modeOf(hashType: number): number {
  const outputBits = hashType & 0x1f
  const outputs = outputBits === SIGHASH_SINGLE ? 2 : outputBits === SIGHASH_NONE ? 1 : 0
  return outputs + ((hashType & SIGHASH_ANYONECANPAY) !== 0 ? 3 : 0)
}

class Entry {
  /** The selection of an input that this belongs to. */
  selection = -1
  scriptCode: Uint8Array = ONE
  hashType = 0
  readonly digest: Uint8Array
  /** The preimage without its hash type, once a second hash type of the same mode asked for it. */
  midstate: Sha256Stream | undefined

  constructor(digest: Uint8Array) {
    this.digest = digest
  }
}

/**
 * Digests of ECDSA signatures, for the input that its hashes have selected. One digest is kept for each mode, so that the
 * signatures of a multisig share it, and a midstate where hash types differ within a mode (undefined ones may), so that a
 * large transaction is not hashed anew for every signature.
 */
export class EcdsaSighash {
  readonly #hashes: TransactionHashes
  readonly #entries: Entry[] = []
  #selection = 0

  constructor(hashes: TransactionHashes) {
    this.#hashes = hashes
    // One block of memory: small arrays of their own would live inside V8's heap, out of native code's reach.
    const memory = new Uint8Array(32 * MODE_COUNT)
    for (let i = 0; i < MODE_COUNT; i++) this.#entries.push(new Entry(memory.subarray(32 * i, 32 * i + 32)))
  }

  /** Forgets all digests: another input has been selected. */
  reset(): void {
    this.#selection++
  }

  /**
   * The digest that a signature signs, valid until the next call.
   *
   * @param hashType a byte in signatures; any 32 bits are hashed, as Core has it
   * @param version SIG_BASE or SIG_WITNESS_V0
   */
  digest(scriptCode: Uint8Array, hashType: number, version: SigVersion): Uint8Array {
    const hashes = this.#hashes
    if (version !== SIG_WITNESS_V0 && signsNoOutput(hashes, hashType)) return ONE
    const entry = this.#entries[modeOf(hashType)]
    const known =
      entry.selection === this.#selection &&
      (entry.scriptCode === scriptCode || equalBytes(entry.scriptCode, scriptCode))
    if (known && entry.hashType === hashType) return entry.digest
    if (known) {
      entry.midstate ??= sha256Stream().update(this.#write(scriptCode, hashType, version).view())
      const writer = hashes.writer.reset().u32(hashType)
      entry.digest.set(hashes.crypto.sha256(entry.midstate.clone().update(writer.view()).digest()))
    } else {
      hashes.crypto.sha256d(this.#write(scriptCode, hashType, version).u32(hashType).view(), entry.digest)
      entry.selection = this.#selection
      entry.scriptCode = scriptCode
      entry.midstate = undefined
    }
    entry.hashType = hashType
    return entry.digest
  }

  #write(scriptCode: Uint8Array, hashType: number, version: SigVersion): ByteWriter {
    return version === SIG_WITNESS_V0
      ? writeSegwitPreimage(this.#hashes, scriptCode, hashType)
      : writeLegacyPreimage(this.#hashes, scriptCode, hashType)
  }
}
