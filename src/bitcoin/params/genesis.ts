import { concatBytes, hex } from '../../base/bytes/bytes.ts'
import { utf8 } from '../../base/bytes/utf8.ts'
import { sha256d } from '../../base/crypto/hash.ts'
import { COIN } from '../primitives/amount.ts'
import { type BlockHeader, encodeBlock } from '../primitives/block.ts'
import { encodeTransaction } from '../primitives/transaction.ts'

/** What a genesis block is made from; everything else in it is fixed by custom. */
export interface GenesisRecipe {
  readonly message: string
  /** The key (33 or 65 bytes, hex) that its unspendable output pays. */
  readonly key: string
  readonly time: number
  readonly nonce: number
  readonly bits: number
  readonly version: number
}

export const SATOSHI_MESSAGE = 'The Times 03/Jan/2009 Chancellor on brink of second bailout for banks'
export const SATOSHI_KEY =
  '04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb6' +
  '49f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f'

function pushOf(data: Uint8Array): Uint8Array {
  const prefix = data.length < 0x4c ? [data.length] : [0x4c, data.length]
  return concatBytes(Uint8Array.from(prefix), data)
}

/** The serialised genesis block of a recipe, and its header. */
export function genesisBlock(recipe: GenesisRecipe): { bytes: Uint8Array; header: BlockHeader } {
  // 486604799 (0x1d00ffff) and 4, then the message: what the first coinbase held, and every copy of it since.
  const scriptSig = concatBytes(hex('04ffff001d0104'), pushOf(utf8(recipe.message)))
  const coinbase = encodeTransaction({
    version: 1,
    inputs: [{ txid: new Uint8Array(32), index: 0xffff_ffff, scriptSig, sequence: 0xffff_ffff, witness: [] }],
    outputs: [{ valueSats: BigInt(50 * COIN), script: concatBytes(pushOf(hex(recipe.key)), Uint8Array.of(0xac)) }],
    lockTime: 0,
  })
  const header: BlockHeader = {
    version: recipe.version,
    previous: new Uint8Array(32),
    merkleRoot: sha256d(coinbase),
    time: recipe.time,
    bits: recipe.bits,
    nonce: recipe.nonce,
  }
  return { bytes: encodeBlock(header, [coinbase]), header }
}
