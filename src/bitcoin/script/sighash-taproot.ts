import { ByteWriter } from '../../base/bytes/writer.ts'
import { taggedHashPrefix } from '../../base/crypto/hash.ts'
import type { TaprootContext } from './execution.ts'
import {
  SIG_TAPSCRIPT,
  SIGHASH_ALL,
  SIGHASH_ANYONECANPAY,
  SIGHASH_DEFAULT,
  SIGHASH_SINGLE,
  type SigVersion,
} from './signature-version.ts'
import { AMOUNTS, OUTPUTS, PREVOUTS, SCRIPTS, SEQUENCES, type TransactionHashes } from './transaction-hashes.ts'

const PREFIX = taggedHashPrefix('TapSighash')

/** BIP341: whether a hash type is one that exists. */
function isDefined(hashType: number): boolean {
  return hashType <= 3 || (hashType >= 0x81 && hashType <= 0x83)
}

/** Digests of taproot signatures, for the input that its hashes have selected. */
export class TaprootSighash {
  readonly #hashes: TransactionHashes
  readonly #writer = new ByteWriter(512).bytes(PREFIX)
  readonly #digest = new Uint8Array(new ArrayBuffer(128), 0, 32)
  /** What the digest at hand is of; anything else the same, signatures of one leaf share it. */
  #hashType = -1
  #codeSeparatorPosition = 0
  #version: SigVersion = SIG_TAPSCRIPT

  constructor(hashes: TransactionHashes) {
    this.#hashes = hashes
  }

  /** Forgets the digest at hand: another input has been selected. */
  reset(): void {
    this.#hashType = -1
  }

  /**
   * BIP341, BIP342: the digest that a signature signs, valid until the next call; undefined where the hash type does not exist
   * or there is no output for it to sign.
   */
  digest(hashType: number, version: SigVersion, taproot: TaprootContext): Uint8Array | undefined {
    if (
      hashType === this.#hashType &&
      version === this.#version &&
      taproot.codeSeparatorPosition === this.#codeSeparatorPosition
    ) {
      return this.#digest
    }
    this.#hashType = -1
    if (!this.#write(hashType, version, taproot)) return undefined
    this.#hashes.crypto.sha256(this.#writer.view(), this.#digest)
    this.#hashType = hashType
    this.#version = version
    this.#codeSeparatorPosition = taproot.codeSeparatorPosition
    return this.#digest
  }

  #write(hashType: number, version: SigVersion, taproot: TaprootContext): boolean {
    if (!isDefined(hashType)) return false
    const hashes = this.#hashes
    const { table, tx, input } = hashes
    const { bytes } = table
    const outputType = hashType === SIGHASH_DEFAULT ? SIGHASH_ALL : hashType & 3
    if (outputType === SIGHASH_SINGLE && hashes.inputIndex >= table.outputCountOf(tx)) return false
    const anyoneCanPay = (hashType & SIGHASH_ANYONECANPAY) !== 0

    const start = table.txOffset[tx]
    const end = table.txOffset[tx + 1]
    const epoch = 0
    const writer = this.#writer.reset(PREFIX.length).u8(epoch).u8(hashType)
    writer.range(bytes, start, start + 4).range(bytes, end - 4, end)
    if (!anyoneCanPay) {
      writer.range(hashes.single(PREVOUTS), 0, 32).range(hashes.single(AMOUNTS), 0, 32)
      writer.range(hashes.single(SCRIPTS), 0, 32).range(hashes.single(SEQUENCES), 0, 32)
    }
    if (outputType === SIGHASH_ALL) writer.range(hashes.single(OUTPUTS), 0, 32)

    const spendType = (version === SIG_TAPSCRIPT ? 2 : 0) + (taproot.annexHash === undefined ? 0 : 1)
    writer.u8(spendType)
    if (anyoneCanPay) {
      const at = table.inputOffset[input]
      const sequenceAt = table.inputScriptOffset[input] + table.inputScriptLength[input]
      writer.range(bytes, at, at + 36).u64Number(hashes.prevouts.values[input])
      hashes.writeSpentScript(writer, input)
      writer.range(bytes, sequenceAt, sequenceAt + 4)
    } else {
      writer.u32(hashes.inputIndex)
    }
    if (taproot.annexHash !== undefined) writer.range(taproot.annexHash, 0, 32)
    if (outputType === SIGHASH_SINGLE) writer.range(hashes.outputAtIndex(), 0, 32)
    if (version === SIG_TAPSCRIPT) {
      const keyVersion = 0
      writer.range(taproot.leafHash!, 0, 32).u8(keyVersion).u32(taproot.codeSeparatorPosition)
    }
    return true
  }
}
