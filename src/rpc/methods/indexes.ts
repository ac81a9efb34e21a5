import { toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import type { RpcContext } from '../context.ts'
import type { Json } from '../json/json-value.ts'
import type { RpcMethod, RpcParam } from '../method.ts'
import { RPC_INTERNAL_ERROR, RPC_INVALID_ADDRESS_OR_KEY, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'

export const FILTER_TYPE: RpcParam = {
  name: 'filtertype',
  type: 'string',
  default: 'basic',
  about: "The type of the filters: 'basic'.",
}

/** Throws unless filters of a type are known and indexed. */
export function requireFilters(context: RpcContext, type: string): void {
  if (type !== 'basic') throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Unknown filtertype')
  if (!context.ledger.indexes.blockFilters) {
    throw new RpcError(RPC_MISC_ERROR, `Index is not enabled for filtertype ${type}`)
  }
}

const getindexinfo: RpcMethod = {
  name: 'getindexinfo',
  category: 'util',
  about: 'Tells how far the indexes have come that this node keeps.',
  params: [{ name: 'index_name', type: 'string', about: 'The name of the only index to show.' }],
  result: '{ "name": { "synced", "best_block_height" }, ... }',
  handler: async (context, args) => {
    const wanted = args.optionalString('index_name') ?? ''
    const shown: { [name: string]: Json } = {}
    for (const { name, synced, bestHeight } of await context.ledger.indexSummaries()) {
      if (wanted === '' || wanted === name) shown[name] = { synced, best_block_height: bestHeight }
    }
    return shown
  },
}

const getblockfilter: RpcMethod = {
  name: 'getblockfilter',
  category: 'blockchain',
  about: 'Gives the compact filter of a block (BIP158) and its filter header (BIP157); needs -blockfilterindex.',
  params: [{ name: 'blockhash', type: 'hex', required: true, about: 'The hash of the block.' }, FILTER_TYPE],
  result: '{ "filter", "header" }',
  handler: async (context, args) => {
    const hash = args.hash('blockhash')
    requireFilters(context, args.string('filtertype'))
    const answer = await context.ledger.blockFilter(hash)
    if (answer === undefined) throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, 'Block not found')
    const { filter, header, wasConnected, ready } = answer
    if (filter !== undefined && header !== undefined) {
      return { filter: toHex(filter), header: toHexReversed(header) }
    }
    const reason = 'Filter not found.'
    if (!wasConnected) {
      throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, `${reason} Block was not connected to active chain.`)
    }
    if (!ready) {
      throw new RpcError(RPC_MISC_ERROR, `${reason} Block filters are still in the process of being indexed.`)
    }
    throw new RpcError(RPC_INTERNAL_ERROR, `${reason} This error is unexpected and indicates index corruption.`)
  },
}

export const INDEX_METHODS: readonly RpcMethod[] = [getindexinfo, getblockfilter]
