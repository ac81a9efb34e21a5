import { equalBytes, toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { invariant, OperationError } from '../../base/errors.ts'
import { parseTransaction, type TxTable } from '../../bitcoin/primitives/tx-table.ts'
import type { BlockEntry, BlockPrevouts } from '../../node/ledger/ledger-api.ts'
import { transactionJson } from '../answers/transaction-json.ts'
import { asVerbosity } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import type { Json } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INTERNAL_ERROR, RPC_INVALID_ADDRESS_OR_KEY, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'
import { blockBytes, parseStoredBlock } from './block-lookup.ts'

/** A transaction in a table, and the block that it is in. */
interface Located {
  readonly table: TxTable
  readonly tx: number
  readonly entry: BlockEntry
}

function notFound(what: string): RpcError {
  return new RpcError(RPC_INVALID_ADDRESS_OR_KEY, `${what}. Use gettransaction for wallet transactions.`)
}

/** The place of a txid in a table; -1 where it is not there. */
export function indexOfTxid(txids: Uint8Array, txid: Uint8Array): number {
  for (let tx = 0; 32 * tx < txids.length; tx++) {
    if (equalBytes(txids.subarray(32 * tx, 32 * tx + 32), txid)) return tx
  }
  return -1
}

async function findInBlock(context: RpcContext, txid: Uint8Array, entry: BlockEntry): Promise<Located> {
  if (!entry.hasData) throw new RpcError(RPC_MISC_ERROR, 'Block not available')
  const { txs } = parseStoredBlock(await blockBytes(context, entry), entry)
  const tx = indexOfTxid(txs.txids(context.crypto), txid)
  if (tx < 0) throw notFound('No such transaction found in the provided block')
  return { table: txs, tx, entry }
}

async function findByIndex(context: RpcContext, txid: Uint8Array): Promise<Located> {
  const { ledger } = context
  if (!ledger.indexes.transactions) {
    throw notFound(
      'No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries',
    )
  }
  const { ready, found } = await ledger.indexedTransaction(txid)
  if (found === undefined) {
    throw notFound(
      ready
        ? 'No such mempool or blockchain transaction'
        : 'No such mempool transaction. Blockchain transactions are still in the process of being indexed',
    )
  }
  const parsed = parseTransaction(found.bytes)
  const entry = await ledger.entry(found.blockHash)
  invariant(parsed.ok && entry !== undefined, 'an indexed transaction does not parse')
  return { table: parsed.value, tx: 0, entry }
}

/** The block around a transaction, and what it spent, as one that is marked as being here. */
async function withPrevouts(
  context: RpcContext,
  txid: Uint8Array,
  located: Located,
): Promise<[Located, BlockPrevouts]> {
  const expected = (what: string): RpcError =>
    new RpcError(
      RPC_INTERNAL_ERROR,
      `${what} data expected but can't be read. This could be due to disk corruption or a conflict with a pruning event.`,
    )
  const read = async <T>(reading: Promise<T | undefined>, what: string): Promise<T> => {
    const value = await reading.catch(error => {
      if (error instanceof OperationError) return undefined
      throw error
    })
    if (value === undefined) throw expected(what)
    return value
  }
  const { entry } = located
  const prevouts = await read(context.ledger.prevouts(entry.hash), 'Undo')
  const block = parseStoredBlock(await read(context.ledger.block(entry.hash), 'Block'), entry)
  const tx = indexOfTxid(block.txs.txids(context.crypto), txid)
  return [{ table: block.txs, tx, entry }, prevouts]
}

function placeJson({ hash, header, confirmations }: BlockEntry): { [key: string]: Json } {
  const blockhash = toHexReversed(hash)
  if (confirmations < 0) return { blockhash, confirmations: 0 }
  return { blockhash, confirmations, time: header.time, blocktime: header.time }
}

export const getrawtransaction: RpcMethod = {
  name: 'getrawtransaction',
  category: 'rawtransactions',
  about:
    'Gives a transaction: one of a block that is named, or, with -txindex, of any block. With verbosity 0 its bytes in hex, with 1 an ' +
    'object, with 2 also its fee and the coins that it spends, as far as those are known.',
  params: [
    { name: 'txid', type: 'hex', required: true, about: 'The transaction id.' },
    {
      name: 'verbosity',
      aliases: ['verbose'],
      type: 'number',
      untyped: true,
      default: 0,
      about: 'How much to show, 0 to 2.',
    },
    { name: 'blockhash', type: 'hex', about: 'The block in which to look.' },
  ],
  result:
    '"hex", or { "in_active_chain"?, what decoderawtransaction shows, "fee"?, "hex", "blockhash", "confirmations", "time"?,\n' +
    '  "blocktime"? }',
  handler: async (context, args) => {
    const { crypto, ledger, network } = context
    const txid = args.hash('txid', 'parameter 1')
    const genesis = await ledger.entryAtHeight(0)
    if (genesis !== undefined && equalBytes(txid, genesis.header.merkleRoot)) {
      throw new RpcError(
        RPC_INVALID_ADDRESS_OR_KEY,
        'The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved',
      )
    }
    const verbosity = asVerbosity(args.value('verbosity'))
    const named = args.has('blockhash') ? await ledger.entry(args.hash('blockhash', 'parameter 3')) : undefined
    if (args.has('blockhash') && named === undefined) {
      throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Block hash not found')
    }
    let located = named ? await findInBlock(context, txid, named) : await findByIndex(context, txid)
    if (verbosity <= 0) return toHex(located.table.txBytes(located.tx))
    let prevouts: BlockPrevouts | undefined
    const { entry } = located
    if (verbosity >= 2 && !located.table.isCoinbase(located.tx) && (entry.hasData || entry.hasUndo)) {
      ;[located, prevouts] = await withPrevouts(context, txid, located)
    }
    const { table, tx } = located
    const shown = transactionJson(table, tx, {
      prefixes: network.addresses,
      txid,
      wtxid: table.wtxids(crypto).subarray(32 * tx, 32 * tx + 32),
      hex: true,
      showPrevouts: true,
      ...(prevouts && { prevouts }),
    })
    return { in_active_chain: named && named.confirmations >= 0, ...shown, ...placeJson(entry) }
  },
}
