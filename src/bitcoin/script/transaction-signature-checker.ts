import type { Crypto } from '../../base/crypto/backend.ts'
import { parseLaxDer } from '../../base/crypto/lax-der.ts'
import type { Prevouts } from '../primitives/prevouts.ts'
import { SEQUENCE_FINAL } from '../primitives/transaction.ts'
import type { TxTable } from '../primitives/tx-table.ts'
import type { SignatureChecker, TaprootContext } from './execution.ts'
import {
  LOCKTIME_THRESHOLD,
  SEQUENCE_LOCKTIME_DISABLE_FLAG,
  SEQUENCE_LOCKTIME_MASK,
  SEQUENCE_LOCKTIME_TYPE_FLAG,
} from './limits.ts'
import type { ScriptError } from './script-error.ts'
import { ScriptHasher } from './script-hasher.ts'
import { EcdsaSighash } from './sighash-ecdsa.ts'
import { TaprootSighash } from './sighash-taproot.ts'
import { isSizedPublicKey } from './signature-encoding.ts'
import { SIGHASH_DEFAULT, type SigVersion } from './signature-version.ts'
import { TransactionHashes } from './transaction-hashes.ts'

/**
 * Checks signatures against real transactions. Made once for each thread; it holds the scratch memory and the hashes that the
 * inputs of one transaction share, so inputs of a transaction should be checked one after the other.
 *
 * @example
 * const checker = new TransactionSignatureChecker(crypto)
 * checker.load(table, prevouts)
 * for (let i = table.inputFirst[tx]; i < table.inputFirst[tx + 1]; i++) error ??= verifyInput(checker, tx, i, flags)
 */
export class TransactionSignatureChecker implements SignatureChecker {
  readonly hasher: ScriptHasher
  readonly #crypto: Crypto
  readonly #hashes: TransactionHashes
  readonly #ecdsa: EcdsaSighash
  readonly #taproot: TaprootSighash
  /** r and s of the signature at hand. */
  readonly #numbers = new Uint8Array(new ArrayBuffer(128), 0, 64)

  constructor(crypto: Crypto) {
    this.hasher = new ScriptHasher(crypto)
    this.#crypto = crypto
    this.#hashes = new TransactionHashes(crypto)
    this.#ecdsa = new EcdsaSighash(this.#hashes)
    this.#taproot = new TaprootSighash(this.#hashes)
  }

  get table(): TxTable {
    return this.#hashes.table
  }

  get prevouts(): Prevouts {
    return this.#hashes.prevouts
  }

  /** Turns to another table. All coins of a transaction must be in `prevouts` before one of its inputs is selected. */
  load(table: TxTable, prevouts: Prevouts): void {
    this.#hashes.load(table, prevouts)
  }

  /** Turns to an input, numbered through the table, of transaction `tx`. */
  select(tx: number, input: number): void {
    this.#hashes.select(tx, input)
    this.#ecdsa.reset()
    this.#taproot.reset()
  }

  checkEcdsa(signature: Uint8Array, publicKey: Uint8Array, scriptCode: Uint8Array, version: SigVersion): boolean {
    const last = signature.length - 1
    if (last < 0 || !isSizedPublicKey(publicKey) || !parseLaxDer(signature, this.#numbers, last)) return false
    const digest = this.#ecdsa.digest(scriptCode, signature[last], version)
    return this.#crypto.verifyEcdsa(this.#numbers, publicKey, digest)
  }

  checkSchnorr(
    signature: Uint8Array,
    publicKey: Uint8Array,
    version: SigVersion,
    taproot: TaprootContext,
  ): ScriptError | undefined {
    const size = signature.length
    if (size !== 64 && size !== 65) return 'SCHNORR_SIG_SIZE'
    const hashType = size === 64 ? SIGHASH_DEFAULT : signature[64]
    // BIP341: the default is said by leaving the byte out, and in no other way.
    if (size === 65 && hashType === SIGHASH_DEFAULT) return 'SCHNORR_SIG_HASHTYPE'
    const digest = this.#taproot.digest(hashType, version, taproot)
    if (digest === undefined) return 'SCHNORR_SIG_HASHTYPE'
    const numbers = size === 64 ? signature : signature.subarray(0, 64)
    return this.#crypto.verifySchnorr(numbers, publicKey, digest) ? undefined : 'SCHNORR_SIG'
  }

  /** BIP65. */
  checkLockTime(lockTime: number): boolean {
    const { table, tx, input } = this.#hashes
    const txLockTime = table.lockTime(tx)
    // Heights compare with heights, times with times.
    if (lockTime < LOCKTIME_THRESHOLD !== txLockTime < LOCKTIME_THRESHOLD) return false
    // A final sequence would switch the transaction's lock time off, and this check with it.
    return lockTime <= txLockTime && table.sequence(input) !== SEQUENCE_FINAL
  }

  /** BIP112. */
  checkSequence(sequence: number): boolean {
    const { table, tx, input } = this.#hashes
    const txSequence = table.sequence(input)
    if (table.version(tx) < 2 || (txSequence & SEQUENCE_LOCKTIME_DISABLE_FLAG) !== 0) return false
    const mask = SEQUENCE_LOCKTIME_TYPE_FLAG | SEQUENCE_LOCKTIME_MASK
    const wanted = sequence & mask
    const given = txSequence & mask
    // Blocks compare with blocks, times with times.
    return wanted < SEQUENCE_LOCKTIME_TYPE_FLAG === given < SEQUENCE_LOCKTIME_TYPE_FLAG && wanted <= given
  }
}
