import { toHexReversed } from '../../base/bytes/bytes.ts'
import { targetJson } from '../answers/block-json.ts'
import { jsonFloat } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { progressNow } from './blockchain.ts'

export const getchainstates: RpcMethod = {
  name: 'getchainstates',
  category: 'blockchain',
  about: 'Lists the sets of coins that this node keeps, that of the best chain last.',
  params: [],
  result:
    '{ "headers", "chainstates": [{ "blocks", "bestblockhash", "bits", "target", "difficulty", "verificationprogress",\n' +
    '  "coins_db_cache_bytes", "coins_tip_cache_bytes", "validated" }, ...] }',
  handler: async context => {
    const { tip } = context.ledger
    const { cacheShares } = await context.ledger.storage()
    return {
      headers: tip.headers,
      chainstates: [
        {
          blocks: tip.height,
          bestblockhash: toHexReversed(tip.hash),
          ...targetJson(tip.header.bits),
          verificationprogress: jsonFloat(progressNow(context)),
          coins_db_cache_bytes: cacheShares.coinsStore,
          coins_tip_cache_bytes: cacheShares.coins,
          validated: true,
        },
      ],
    }
  },
}
