import type { IndexOptions } from '../node/ledger/indexes/index-options.ts'
import { UsageError } from './read-flags.ts'
import type { Settings } from './settings.ts'

/** -blockfilterindex: a switch, or types of filters by name. */
function blockFilters(settings: Settings): boolean {
  const text = settings.text('blockfilterindex') ?? '0'
  if (text === '' || text === '1') return true
  if (text === '0') return false
  const names = settings.list('blockfilterindex')
  const unknown = names.find(name => name !== 'basic')
  if (unknown !== undefined) throw new UsageError(`Unknown -blockfilterindex value ${unknown}.`)
  return names.length > 0
}

/** Which indexes are kept. Throws {@link UsageError}, its message as bitcoind's. */
export function indexOptions(settings: Settings): IndexOptions {
  const options: IndexOptions = {
    transactions: settings.bool('txindex') ?? false,
    blockFilters: blockFilters(settings),
    coinStats: settings.bool('coinstatsindex') ?? false,
  }
  // BIP157: what is served to peers must be there.
  if (settings.bool('peerblockfilters') && !options.blockFilters) {
    throw new UsageError('Cannot set -peerblockfilters without -blockfilterindex.')
  }
  if (options.transactions && (settings.int('prune') ?? 0) !== 0) {
    throw new UsageError('Prune mode is incompatible with -txindex.')
  }
  return options
}
