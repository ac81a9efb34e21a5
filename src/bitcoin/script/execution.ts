import type { ScriptError } from './script-error.ts'
import type { ScriptHasher } from './script-hasher.ts'
import { ScriptReader } from './script-reader.ts'
import type { SigVersion } from './signature-version.ts'

/** What a script can ask about the transaction that it is part of. */
export interface SignatureChecker {
  /** An ECDSA signature with its hash type; anything malformed is false. */
  checkEcdsa(signature: Uint8Array, publicKey: Uint8Array, scriptCode: Uint8Array, version: SigVersion): boolean
  /** A Schnorr signature with or without hash type, under a 32-byte key. */
  checkSchnorr(
    signature: Uint8Array,
    publicKey: Uint8Array,
    version: SigVersion,
    taproot: TaprootContext,
  ): ScriptError | undefined
  /** BIP65: `lockTime` is not negative. */
  checkLockTime(lockTime: number): boolean
  /** BIP112: `sequence` is not negative and has no disable flag. */
  checkSequence(sequence: number): boolean
}

/** BIP342: the code separator position while none was executed. */
export const NO_CODE_SEPARATOR = 0xffff_ffff

/** What taproot signatures commit to beside the transaction (BIP341, BIP342). */
export interface TaprootContext {
  /** SHA-256 of the annex with its length; undefined where there is no annex. */
  readonly annexHash: Uint8Array | undefined
  /** Script path only. */
  readonly leafHash: Uint8Array | undefined
  codeSeparatorPosition: number
  /** BIP342: what is left of the signature budget. */
  weightLeft: number
}

const NO_FALSE = -1

/** The state of one running script. */
export class Execution {
  readonly reader: ScriptReader
  readonly stack: Uint8Array[]
  readonly altStack: Uint8Array[] = []
  readonly flags: number
  readonly version: SigVersion
  readonly checker: SignatureChecker
  readonly hasher: ScriptHasher
  readonly taproot: TaprootContext | undefined

  /** Where the part of the script starts that legacy and v0 signatures commit to. */
  codeStart = 0
  /** Operations so far that count towards the limit. */
  operationCount = 0
  /** Position of the current operation, counted in operations. */
  operationIndex = 0
  /** What the last signature operation found. */
  signatureValid = false

  /** Nested conditions as Core keeps them: their number, and the depth of the first that is false. */
  #depth = 0
  #firstFalse = NO_FALSE

  constructor(
    script: Uint8Array,
    stack: Uint8Array[],
    flags: number,
    version: SigVersion,
    checker: SignatureChecker,
    hasher: ScriptHasher,
    taproot?: TaprootContext,
  ) {
    this.reader = new ScriptReader(script)
    this.stack = stack
    this.flags = flags
    this.version = version
    this.checker = checker
    this.hasher = hasher
    this.taproot = taproot
  }

  /** Whether operations run, that is, no enclosing condition is false. */
  get executing(): boolean {
    return this.#firstFalse === NO_FALSE
  }

  /** Whether an OP_IF is still open. */
  get inCondition(): boolean {
    return this.#depth > 0
  }

  openCondition(value: boolean): void {
    if (!value && this.#firstFalse === NO_FALSE) this.#firstFalse = this.#depth
    this.#depth++
  }

  /** OP_ELSE; only the outermost false condition matters. */
  toggleCondition(): void {
    if (this.#firstFalse === NO_FALSE) this.#firstFalse = this.#depth - 1
    else if (this.#firstFalse === this.#depth - 1) this.#firstFalse = NO_FALSE
  }

  closeCondition(): void {
    this.#depth--
    if (this.#firstFalse === this.#depth) this.#firstFalse = NO_FALSE
  }

  /** The script from the last executed OP_CODESEPARATOR on. */
  scriptCode(): Uint8Array {
    const script = this.reader.script
    return this.codeStart === 0 ? script : script.subarray(this.codeStart)
  }
}

/** One operation: changes the state, or says why the script fails. */
export type Operation = (run: Execution) => ScriptError | undefined
