import type { RpcMethod } from '../method.ts'
import { ADDRESS_METHODS } from './addresses.ts'
import { BAN_METHODS } from './bans.ts'
import { BLOCK_TEMPLATE_METHODS } from './block-template.ts'
import { BLOCKCHAIN_METHODS } from './blockchain.ts'
import { BLOCK_METHODS } from './blocks.ts'
import { CHAIN_CONTROL_METHODS } from './chain-control.ts'
import { getchainstates } from './chainstates.ts'
import { CONTROL_METHODS } from './control.ts'
import { DEPLOYMENT_METHODS } from './deployments.ts'
import { GENERATE_METHODS } from './generate.ts'
import { getrawtransaction } from './get-raw-transaction.ts'
import { INDEX_METHODS } from './indexes.ts'
import { MEMPOOL_METHODS } from './mempool.ts'
import { MINING_METHODS } from './mining.ts'
import { NETWORK_METHODS } from './network.ts'
import { NODE_ADDRESS_METHODS } from './node-addresses.ts'
import { PEER_METHODS } from './peers.ts'
import { RAW_TRANSACTION_METHODS } from './raw-transactions.ts'
import { SCAN_METHODS } from './scans.ts'
import { TX_OUT_PROOF_METHODS } from './tx-out-proof.ts'
import { UTXO_SET_METHODS } from './utxo-set.ts'
import { WAIT_METHODS } from './wait.ts'

/** Every method that this node has. */
export const RPC_METHODS: readonly RpcMethod[] = [
  ...BLOCKCHAIN_METHODS,
  ...BLOCK_METHODS,
  ...UTXO_SET_METHODS,
  getchainstates,
  ...INDEX_METHODS,
  ...SCAN_METHODS,
  ...TX_OUT_PROOF_METHODS,
  ...DEPLOYMENT_METHODS,
  ...CHAIN_CONTROL_METHODS,
  ...WAIT_METHODS,
  ...MEMPOOL_METHODS,
  ...MINING_METHODS,
  ...BLOCK_TEMPLATE_METHODS,
  ...GENERATE_METHODS,
  getrawtransaction,
  ...RAW_TRANSACTION_METHODS,
  ...PEER_METHODS,
  ...NETWORK_METHODS,
  ...BAN_METHODS,
  ...NODE_ADDRESS_METHODS,
  ...ADDRESS_METHODS,
  ...CONTROL_METHODS,
]
