/** What can be written to the log in detail, by the names of the `logging` RPC; sorted, as it lists them. */
export const LOG_CATEGORIES = [
  'addrman',
  'bench',
  'blockstorage',
  'cmpctblock',
  'coindb',
  'estimatefee',
  'http',
  'i2p',
  'ipc',
  'kernel',
  'leveldb',
  'mempool',
  'mempoolrej',
  'net',
  'privatebroadcast',
  'proxy',
  'prune',
  'qt',
  'rand',
  'reindex',
  'rpc',
  'scan',
  'selectcoins',
  'tor',
  'txpackages',
  'txreconciliation',
  'validation',
  'walletdb',
  'zmq',
] as const

export type LogCategory = (typeof LOG_CATEGORIES)[number]

/** From the most detailed to the gravest. The last three are always written. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warning', 'error'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

/** Levels that an owner may choose, in the order in which messages name them. */
export const CHOSEN_LOG_LEVELS = ['info', 'debug', 'trace'] as const

const DEBUG = LOG_LEVELS.indexOf('debug')
const INFO = LOG_LEVELS.indexOf('info')
/** For a category without a level of its own. */
const INHERITED = LOG_LEVELS.length

/** Whether a text names all categories at once. */
function isAll(name: string): boolean {
  return name === '' || name === '1' || name === 'all'
}

/** Names that were categories once and are taken without effect. */
const FORMER_CATEGORIES: readonly string[] = ['libevent']

/**
 * Which categories are written, and from which level on. Its state lies in shared memory, so that a change through RPC reaches
 * every thread at once.
 */
export class LogFilter {
  readonly shared: SharedArrayBuffer
  readonly #enabled: Uint8Array
  readonly #levels: Uint8Array

  /** @param shared another filter's {@link LogFilter.shared}, to see and change the same state */
  constructor(shared?: SharedArrayBuffer) {
    const count = LOG_CATEGORIES.length
    this.shared = shared ?? new SharedArrayBuffer(2 * count + 1)
    this.#enabled = new Uint8Array(this.shared, 0, count)
    this.#levels = new Uint8Array(this.shared, count, count + 1)
    if (shared !== undefined) return
    this.#levels.fill(INHERITED)
    this.#levels[count] = DEBUG
  }

  /** Turns a category, or `all` of them, on or off; false where there is none of that name. */
  set(name: string, enabled: boolean): boolean {
    if (isAll(name)) {
      this.#enabled.fill(enabled ? 1 : 0)
      return true
    }
    const at = LOG_CATEGORIES.indexOf(name as LogCategory)
    if (at === -1) return FORMER_CATEGORIES.includes(name)
    this.#enabled[at] = enabled ? 1 : 0
    return true
  }

  isEnabled(category: LogCategory): boolean {
    return this.#enabled[LOG_CATEGORIES.indexOf(category)] === 1
  }

  get anyEnabled(): boolean {
    return this.#enabled.includes(1)
  }

  /** Sets the level of a category, or of all that have none of their own; false where a name is unknown. */
  setLevel(level: string, category?: string): boolean {
    const value = CHOSEN_LOG_LEVELS.includes(level as never) ? LOG_LEVELS.indexOf(level as LogLevel) : -1
    const at = category === undefined ? LOG_CATEGORIES.length : LOG_CATEGORIES.indexOf(category as LogCategory)
    if (value === -1 || at === -1) return false
    this.#levels[at] = value
    return true
  }

  /** Whether a message would be written. */
  willLog(category: LogCategory, level: LogLevel): boolean {
    const rank = LOG_LEVELS.indexOf(level)
    if (rank >= INFO) return true
    const at = LOG_CATEGORIES.indexOf(category)
    if (this.#enabled[at] === 0) return false
    const own = this.#levels[at]
    return rank >= (own === INHERITED ? this.#levels[LOG_CATEGORIES.length] : own)
  }
}
