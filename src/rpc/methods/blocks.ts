import { toHex } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import type { BlockEntry, BlockPrevouts } from '../../node/ledger/ledger-api.ts'
import { type BlockVerbosity, blockJson } from '../answers/block-json.ts'
import { blockStats } from '../answers/block-stats.ts'
import { asArray, asString, asVerbosity } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import type { Json } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { RPC_INTERNAL_ERROR, RPC_INVALID_PARAMETER, RpcError } from '../rpc-error.ts'
import { blockBytes, blockEntry, blockPrevouts, entryByHashOrHeight, parseStoredBlock } from './block-lookup.ts'

/** What a block spent, which is marked as being here. */
async function undoExpected(context: RpcContext, entry: BlockEntry): Promise<BlockPrevouts | undefined> {
  try {
    return await context.ledger.prevouts(entry.hash)
  } catch (error) {
    if (!(error instanceof OperationError)) throw error
    throw new RpcError(
      RPC_INTERNAL_ERROR,
      "Undo data expected but can't be read. This could be due to disk corruption or a conflict with a pruning event.",
    )
  }
}

const getblock: RpcMethod = {
  name: 'getblock',
  category: 'blockchain',
  about:
    'Gives a block: with verbosity 0 its bytes in hex, with 1 an object with its header, sizes and transaction ids, with 2 all ' +
    'of its transactions too, with 3 also the coins that they spend, as far as those are known.',
  params: [
    { name: 'blockhash', type: 'hex', required: true, about: 'The hash of the block.' },
    {
      name: 'verbosity',
      aliases: ['verbose'],
      type: 'number',
      untyped: true,
      default: 1,
      about: 'How much to show, 0 to 3.',
    },
  ],
  result: '"hex", or what getblockheader shows and { "strippedsize", "size", "weight", "coinbase_tx", "tx": [...] }',
  handler: async (context, args) => {
    const hash = args.hash('blockhash')
    const verbosity = asVerbosity(args.value('verbosity'))
    const entry = await blockEntry(context, hash)
    const bytes = await blockBytes(context, entry)
    if (verbosity <= 0) return toHex(bytes)
    const shown = Math.min(verbosity, 3) as BlockVerbosity
    const prevouts = shown === 1 || !entry.hasUndo ? undefined : await undoExpected(context, entry)
    return blockJson(parseStoredBlock(bytes, entry), entry, shown, prevouts, context)
  },
}

const getblockstats: RpcMethod = {
  name: 'getblockstats',
  category: 'blockchain',
  about: 'Counts what a block holds: transactions, sizes, fees, changes of the set of coins. Amounts are in satoshi.',
  params: [
    {
      name: 'hash_or_height',
      type: 'number',
      required: true,
      untyped: true,
      typeLabel: 'string or numeric',
      about: 'The hash of the block, or its height on the best chain.',
    },
    {
      name: 'stats',
      type: 'array',
      defaultHint: 'all values',
      oneLine: 'stats',
      about: 'Which values to show.',
      fields: [
        { name: 'height', type: 'string', about: 'The name of a value.' },
        { name: 'time', type: 'string', about: 'The name of a value.' },
      ],
    },
  ],
  result: '{ "avgfee", "avgfeerate", ..., "utxo_size_inc_actual" }',
  handler: async (context, args) => {
    const entry = await entryByHashOrHeight(context, args.value('hash_or_height'))
    const wanted = args.has('stats') ? asArray(args.value('stats')).map(asString) : []
    const block = parseStoredBlock(await blockBytes(context, entry), entry)
    const prevouts = await blockPrevouts(context, entry)
    const all: { readonly [name: string]: Json } = blockStats(block, entry, prevouts, context.network)
    if (wanted.length === 0) return all
    const chosen: { [name: string]: Json } = {}
    for (const name of [...new Set(wanted)].sort()) {
      if (!Object.hasOwn(all, name)) throw new RpcError(RPC_INVALID_PARAMETER, `Invalid selected statistic '${name}'`)
      chosen[name] = all[name]
    }
    return chosen
  },
}

export const BLOCK_METHODS: readonly RpcMethod[] = [getblock, getblockstats]
