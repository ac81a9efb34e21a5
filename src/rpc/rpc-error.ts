/** JSON-RPC error codes, with Bitcoin Core's names. */

export const RPC_INVALID_REQUEST = -32600
export const RPC_METHOD_NOT_FOUND = -32601
export const RPC_PARSE_ERROR = -32700
export const RPC_MISC_ERROR = -1
export const RPC_TYPE_ERROR = -3
export const RPC_INVALID_ADDRESS_OR_KEY = -5
export const RPC_INVALID_PARAMETER = -8
export const RPC_CLIENT_NOT_CONNECTED = -9
export const RPC_CLIENT_IN_INITIAL_DOWNLOAD = -10
export const RPC_DATABASE_ERROR = -20
export const RPC_DESERIALIZATION_ERROR = -22
export const RPC_VERIFY_ERROR = -25
export const RPC_CLIENT_NODE_ALREADY_ADDED = -23
export const RPC_CLIENT_NODE_NOT_ADDED = -24
export const RPC_CLIENT_NODE_NOT_CONNECTED = -29
export const RPC_CLIENT_INVALID_IP_OR_SUBNET = -30
export const RPC_CLIENT_P2P_DISABLED = -31
export const RPC_CLIENT_NODE_CAPACITY_REACHED = -34
export const RPC_INVALID_PARAMS = -32602
export const RPC_IN_WARMUP = -28
export const RPC_INTERNAL_ERROR = -32603

/** The answer to a request that cannot be met; code and message go to the caller as they are. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
