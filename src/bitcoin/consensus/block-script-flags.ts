import { invariant } from '../../base/errors.ts'
import type { NetworkParams } from '../params/network-params.ts'
import {
  SCRIPT_FLAGS_BY_NAME,
  SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY,
  SCRIPT_VERIFY_CHECKSEQUENCEVERIFY,
  SCRIPT_VERIFY_DERSIG,
  SCRIPT_VERIFY_NULLDUMMY,
  SCRIPT_VERIFY_P2SH,
  SCRIPT_VERIFY_TAPROOT,
  SCRIPT_VERIFY_WITNESS,
} from '../script/flags.ts'

/** The script rules that hold for the block of this height and hash (hex as people write it). */
export function blockScriptFlags(height: number, hashHex: string, params: NetworkParams): number {
  // BIP16, 141 and 341 hold from the genesis block on but for single blocks, which is simpler than their dates and as true.
  let flags = SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_TAPROOT
  const exception = params.scriptFlagExceptions.get(hashHex)
  if (exception !== undefined) {
    flags = 0
    for (const name of exception) {
      const flag = SCRIPT_FLAGS_BY_NAME.get(name)
      invariant(flag !== undefined, `unknown script flag ${name}`)
      flags |= flag
    }
  }
  const { bip66, bip65, csv, segwit } = params.buried
  if (height >= bip66) flags |= SCRIPT_VERIFY_DERSIG
  if (height >= bip65) flags |= SCRIPT_VERIFY_CHECKLOCKTIMEVERIFY
  if (height >= csv) flags |= SCRIPT_VERIFY_CHECKSEQUENCEVERIFY
  if (height >= segwit) flags |= SCRIPT_VERIFY_NULLDUMMY
  return flags
}
