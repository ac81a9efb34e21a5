import { compareBytes, equalBytes, toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import {
  decodeMerkleBlock,
  encodeMerkleBlock,
  merkleBlock,
  proveMerkleBlock,
} from '../../bitcoin/consensus/merkle-block.ts'
import { HEADER_SIZE } from '../../bitcoin/primitives/block.ts'
import type { BlockEntry } from '../../node/ledger/ledger-api.ts'
import { asArray, asHash, asHex, type RpcArguments } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INVALID_ADDRESS_OR_KEY, RPC_INVALID_PARAMETER, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'
import { blockBytes, blockEntry, entryAt, parseStoredBlock } from './block-lookup.ts'

/** How Bitcoin Core's reader tells what is wrong with a serialised value. */
const READ_FAILURES: Readonly<Record<string, string>> = {
  truncated: 'SpanReader::read(): end of data: iostream error',
  'non-canonical-size': 'non-canonical ReadCompactSize(): iostream error',
  'size-too-large': 'ReadCompactSize(): size too large: iostream error',
}

/** The transactions of a call, in the order of their bytes. */
function txidsOf(args: RpcArguments): Uint8Array[] {
  const values = asArray(args.value('txids'))
  if (values.length === 0) throw new RpcError(RPC_INVALID_PARAMETER, "Parameter 'txids' cannot be empty")
  const known = new Set<string>()
  const txids = values.map(value => {
    const txid = asHash(value, 'txid')
    if (known.has(toHex(txid))) {
      throw new RpcError(RPC_INVALID_PARAMETER, `Invalid parameter, duplicated txid: ${value as string}`)
    }
    known.add(toHex(txid))
    return txid
  })
  return txids.sort(compareBytes)
}

/** The block of a transaction that has an unspent output, or that the index knows. */
async function blockOfTransactions(context: RpcContext, txids: readonly Uint8Array[]): Promise<BlockEntry> {
  const { ledger } = context
  for (const txid of txids) {
    const height = await ledger.unspentHeight(txid)
    if (height !== undefined) return entryAt(context, height)
  }
  const found = ledger.indexes.transactions ? (await ledger.indexedTransaction(txids[0])).found : undefined
  if (found === undefined) throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Transaction not yet in block')
  return blockEntry(context, found.blockHash)
}

const gettxoutproof: RpcMethod = {
  name: 'gettxoutproof',
  category: 'blockchain',
  about:
    'Gives the proof that transactions are in a block: its header and the part of its merkle tree that leads to them. The block is found ' +
    'by itself where one of them has an unspent output, or with -txindex; else it must be named.',
  params: [
    {
      name: 'txids',
      type: 'array',
      required: true,
      about: 'The transactions, all of one block.',
      fields: [{ name: 'txid', type: 'hex', about: 'A transaction id.' }],
    },
    { name: 'blockhash', type: 'hex', about: 'The block in which to look.' },
  ],
  result: '"hex"    (string)',
  handler: async (context, args) => {
    const wanted = txidsOf(args)
    const entry = args.has('blockhash')
      ? await blockEntry(context, args.hash('blockhash'))
      : await blockOfTransactions(context, wanted)
    const { bytes, txs } = parseStoredBlock(await blockBytes(context, entry), entry)
    const txids = txs.txids(context.crypto)
    const wantedHex = new Set(wanted.map(toHex))
    const matches = Array.from({ length: txs.txCount }, (_, tx) =>
      wantedHex.has(toHex(txids.subarray(32 * tx, 32 * tx + 32))),
    )
    if (matches.filter(Boolean).length !== wanted.length) {
      throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Not all transactions found in specified or retrieved block')
    }
    return toHex(encodeMerkleBlock(merkleBlock(bytes.subarray(0, HEADER_SIZE), txids, matches, context.crypto)))
  },
}

const verifytxoutproof: RpcMethod = {
  name: 'verifytxoutproof',
  category: 'blockchain',
  about: 'Checks a proof of gettxoutproof, and gives the transactions that it shows: none if it does not hold.',
  params: [{ name: 'proof', type: 'hex', required: true, about: 'The proof in hex.' }],
  result: '["txid", ...]',
  handler: async (context, args) => {
    const decoded = decodeMerkleBlock(asHex(args.value('proof'), 'proof'))
    if (!decoded.ok) throw new RpcError(RPC_MISC_ERROR, READ_FAILURES[decoded.code] ?? decoded.code)
    const { header, txCount } = decoded.value
    const proved = proveMerkleBlock(decoded.value, context.crypto)
    if (proved === undefined || !equalBytes(proved.root, header.subarray(36, 68))) return []
    const entry = await context.ledger.entry(context.crypto.sha256d(header))
    if (entry === undefined || entry.confirmations < 0 || entry.txCount === 0) {
      throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Block not found in chain')
    }
    return entry.txCount === txCount ? proved.txids.map(toHexReversed) : []
  },
}

export const TX_OUT_PROOF_METHODS: readonly RpcMethod[] = [gettxoutproof, verifytxoutproof]
