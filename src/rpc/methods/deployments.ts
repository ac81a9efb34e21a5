import { toHexReversed } from '../../base/bytes/bytes.ts'
import type { DeploymentStatistics } from '../../bitcoin/consensus/deployments.ts'
import { NEVER_ACTIVE } from '../../bitcoin/params/network-params.ts'
import type { BlockEntry, DeploymentInfo } from '../../node/ledger/ledger-api.ts'
import { INT64_MAX } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import type { Json } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import { blockEntry } from './block-lookup.ts'

/** Soft forks in the order in which they are listed. */
const BURIED = ['bip34', 'bip66', 'bip65', 'csv', 'segwit'] as const

function buriedJson(context: RpcContext, entry: BlockEntry): { [name: string]: Json } {
  return Object.fromEntries(
    BURIED.map(name => {
      const height = context.network.buried[name]
      // What is shown is whether the rule holds for the block behind this one.
      return [name, { type: 'buried', active: entry.height + 1 >= height, height }]
    }),
  )
}

/** BIP9: one deployment at a block. */
function signalledJson(entry: BlockEntry, deployment: DeploymentInfo): Json {
  const { status, since, statusNext, statistics, timeout } = deployment
  const activeSince = status === 'active' ? since : statusNext === 'active' ? entry.height + 1 : undefined
  return {
    type: 'bip9',
    height: activeSince,
    active: activeSince !== undefined && activeSince <= entry.height + 1,
    bip9: {
      bit: statistics === undefined ? undefined : deployment.bit,
      start_time: deployment.startTime,
      timeout: Number.isFinite(timeout) ? timeout : INT64_MAX,
      min_activation_height: deployment.minActivationHeight,
      status,
      since,
      status_next: statusNext,
      statistics: statistics === undefined ? undefined : statisticsJson(statistics, status === 'started'),
      signalling: statistics?.signalling.map(signal => (signal ? '#' : '-')).join(''),
    },
  }
}

/** Counts of the current period; once the deployment is locked in, there is nothing left to reach. */
function statisticsJson({ period, elapsed, count, threshold, possible }: DeploymentStatistics, isOpen: boolean): Json {
  return isOpen ? { period, elapsed, count, threshold, possible } : { period, elapsed, count }
}

const getdeploymentinfo: RpcMethod = {
  name: 'getdeploymentinfo',
  category: 'blockchain',
  about: 'Tells which soft forks hold at a block. Those that have held from the genesis block on are not listed.',
  params: [
    {
      name: 'blockhash',
      type: 'hex',
      default: 'hash of current chain tip',
      about: 'The block; the last one of the best chain if left out.',
    },
  ],
  result:
    '{ "hash", "height", "script_flags": [...], "deployments": { name: { "type", "height"?, "active", "bip9"? } } }',
  handler: async (context, args) => {
    const entry = args.given('blockhash') ? await blockEntry(context, args.hash('blockhash')) : context.ledger.tip
    const signalled = (await context.ledger.deployments(entry.hash))
      .filter(({ startTime }) => startTime !== NEVER_ACTIVE)
      .map(deployment => [deployment.name, signalledJson(entry, deployment)])
    return {
      hash: toHexReversed(entry.hash),
      height: entry.height,
      script_flags: await context.ledger.scriptFlagNames(entry.hash),
      deployments: { ...buriedJson(context, entry), ...Object.fromEntries(signalled) },
    }
  },
}

export const DEPLOYMENT_METHODS: readonly RpcMethod[] = [getdeploymentinfo]
