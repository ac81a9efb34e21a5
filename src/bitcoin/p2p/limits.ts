/** Figures of the protocol's conduct; names and values are Core's, times in milliseconds. */
export const MIN_PEER_PROTOCOL_VERSION = 31800
export const INVALID_CB_NO_BAN_VERSION = 70015
export const FEEFILTER_VERSION = 70013
export const SHORT_IDS_BLOCKS_VERSION = 70014
export const SENDHEADERS_VERSION = 70012
export const BIP0031_VERSION = 60000
export const WTXID_RELAY_VERSION = 70016

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

export const PING_INTERVAL_MS = 2 * MINUTE
/** Silence after which a connection counts as dead. */
export const INACTIVITY_TIMEOUT_MS = 20 * MINUTE

/** How long an answer to getheaders may take before another is sent. */
export const HEADERS_RESPONSE_TIME_MS = 2 * MINUTE
export const HEADERS_DOWNLOAD_TIMEOUT_BASE_MS = 15 * MINUTE
/** For each block that should have been found since the best header. */
export const HEADERS_DOWNLOAD_TIMEOUT_PER_HEADER_MS = 1
/** A best header of this age at most: headers are asked for from all peers. */
export const RECENT_HEADER_AGE_MS = 24 * HOUR

export const MAX_BLOCKS_IN_TRANSIT_PER_PEER = 16
/** Blocks that a peer is asked for at once before it is known how fast it is. */
export const FIRST_DEPTH_BLOCKS = 4
/** BIP152: of one block, so many compact ones may be completed at the same time. */
export const MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK = 3
/** How far ahead of the last common block others are fetched. */
export const BLOCK_DOWNLOAD_WINDOW = 1024
export const BLOCK_STALLING_TIMEOUT_DEFAULT_MS = 2 * SECOND
export const BLOCK_STALLING_TIMEOUT_MAX_MS = 64 * SECOND
/** When no other blocks are left to ask for, one that will take longer is asked of another peer too; bitcoind waits for it. */
export const SHARE_PATIENCE_MS = SECOND
/** Near the tip, where a slow line would carry every block twice: one of which so long nothing has come. */
export const TIP_SHARE_PATIENCE_MS = 10 * SECOND
/** A block may take this many times the spacing of blocks, and so much more for each other peer that delivers. */
export const BLOCK_DOWNLOAD_TIMEOUT_BASE = 1
export const BLOCK_DOWNLOAD_TIMEOUT_PER_PEER = 0.5
/** BIP159: a limited peer has this many blocks; two less are asked for, since new ones come meanwhile. */
export const NODE_NETWORK_LIMITED_MIN_BLOCKS = 288
/** Limited peers are good enough while we are at most so many blocks behind. */
export const NODE_NETWORK_LIMITED_ALLOW_CONN_BLOCKS = 144

export const MAX_BLOCKS_TO_ANNOUNCE = 8
/** Hashes of blocks in one answer to getblocks. */
export const GETBLOCKS_MAX = 500
export const MAX_CMPCTBLOCK_DEPTH = 5
export const MAX_BLOCKTXN_DEPTH = 10
/** BIP152: peers that are asked to announce blocks by compact blocks unasked. */
export const HIGH_BANDWIDTH_PEERS_MAX = 3
/** Older branches are not told about: who knows them could be recognised by it. */
export const STALE_RELAY_AGE_LIMIT_SECONDS = 30 * 24 * 60 * 60
/** Blocks of this age count towards the upload target of history. */
export const HISTORICAL_BLOCK_AGE_SECONDS = 7 * 24 * 60 * 60

/** BIP157 */
export const MAX_GETCFILTERS_SIZE = 1000
export const MAX_GETCFHEADERS_SIZE = 2000
export const CFCHECKPT_INTERVAL = 1000

export const MAX_OUTBOUND_PEERS_TO_PROTECT_FROM_DISCONNECT = 4
/** An outbound peer has so long to show as much work as we had. */
export const CHAIN_SYNC_TIMEOUT_MS = 20 * MINUTE
export const STALE_CHECK_INTERVAL_MS = 10 * MINUTE
export const EXTRA_PEER_CHECK_INTERVAL_MS = 45 * SECOND
export const MINIMUM_CONNECT_TIME_MS = 30 * SECOND
/** An address fetch that takes longer is given up. */
export const ADDR_FETCH_TIMEOUT_MS = 5 * MINUTE

/** Requests of one peer that wait for their answers. */
export const GETDATA_QUEUE_MAX = 50_000
/** Payloads that may be on their way to the sockets before a further block is served. */
export const UNAPPLIED_BYTES_MAX = 8 << 20
/** Messages, dealt with or sent, of which the sockets may not know yet before further ones are dealt with. */
export const UNAPPLIED_MESSAGES_MAX = 2000
