/** The table of docs/ARCHITECTURE.md: a folder imports only from floors with a smaller number. */

export interface Floor {
  readonly folder: string
  readonly floor: number
  /** Adapters of the ports, which need nothing but the ports. */
  readonly baseOnly: boolean
}

/** Floors up to here are pure: the outside comes in through ports. */
export const PURE_FLOOR_MAX = 7

/** Lines of a source file that is no test. */
export const SOURCE_LINES_MAX = 500

const TABLE: readonly (readonly [number, readonly string[]])[] = [
  [0, ['base']],
  [1, ['bitcoin/primitives', 'bittorrent/bencode']],
  [2, ['bitcoin/params', 'bitcoin/script', 'bitcoin/wire', 'bittorrent/metainfo', 'bittorrent/wire']],
  [
    3,
    [
      'bitcoin/consensus',
      'bitcoin/descriptors',
      'bittorrent/picker',
      'bittorrent/choker',
      'bittorrent/tracker',
      'bittorrent/dht',
    ],
  ],
  [4, ['bitcoin/chainstate', 'bitcoin/wallet', 'bittorrent/storage', 'bittorrent/swarm']],
  [5, ['bitcoin/mempool', 'bitcoin/indexes', 'bittorrent/feed']],
  [6, ['bitcoin/mining', 'bitcoin/p2p']],
  [7, ['archive']],
  [8, ['platform', 'sim']],
  [9, ['node']],
  [10, ['rpc', 'testing']],
  [11, ['cli']],
  [12, ['index.ts']],
]

const BASE_ONLY: ReadonlySet<string> = new Set(['platform', 'sim'])

const FLOORS: readonly Floor[] = TABLE.flatMap(([floor, folders]) =>
  folders.map(folder => ({ folder, floor, baseOnly: BASE_ONLY.has(folder) })),
)

/** The floor that a path below src/ stands on; undefined for one that the table does not know. */
export function floorOf(path: string): Floor | undefined {
  return FLOORS.find(({ folder }) => path === folder || path.startsWith(`${folder}/`))
}

/** Globals of the host, and the clock and luck of the language. */
export const IMPURE_NAMES: ReadonlySet<string> = new Set([
  'Date',
  'process',
  'Buffer',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'console',
  'fetch',
  'require',
  'globalThis',
  'navigator',
  'structuredClone',
  'TextEncoder',
  'TextDecoder',
  'WebSocket',
  'Worker',
])

/** Where each package may be imported; what is not here may not be used at all. */
export const PACKAGE_PLACES: ReadonlyMap<string, readonly string[]> = new Map([
  ['@noble/ciphers', ['base/crypto']],
  ['@noble/curves', ['base/crypto']],
  ['@noble/hashes', ['base/crypto']],
  ['tiny-secp256k1', ['base/crypto']],
  ['@scure/base', ['base']],
  ['@scure/bip32', ['base/crypto']],
  ['@scure/bip39', ['base/crypto']],
  ['@scure/btc-signer', ['base/crypto', 'bitcoin/descriptors', 'bitcoin/wallet']],
  ['@bitcoinerlab/descriptors-scure', ['bitcoin/descriptors', 'bitcoin/wallet']],
  ['classic-level', ['platform']],
  ['zeromq', ['platform']],
  ['pino', ['node']],
  ['prom-client', ['node']],
  ['ws', ['rpc']],
  ['smol-toml', ['cli']],
  ['commander', ['cli']],
  ['@clack/prompts', ['cli']],
])
