import type { RpcMethod } from '../method.ts'
import { SWARM_CONTROL_METHODS } from './swarm-control.ts'
import { SWARM_DETAIL_METHODS } from './swarm-details.ts'

/** The methods of peers that have torrents; bitcoind knows none of them. */
export const SWARM_METHODS: readonly RpcMethod[] = [...SWARM_CONTROL_METHODS, ...SWARM_DETAIL_METHODS]
