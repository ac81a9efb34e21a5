import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { OperationError } from '../base/errors.ts'
import type { Store, StoreChange } from '../base/ports/store.ts'
import { hasLogHole } from './level-log.ts'
import { type LiveFiles, liveFiles } from './level-manifest.ts'
import { isTableSound } from './level-table.ts'

type Level = ClassicLevel<Uint8Array, Uint8Array>

/** Entries fetched at a time by an iteration. */
const BATCH_ENTRIES = 2000
/** Tables whose checksums are held against their bytes at the start, about a tenth of a second's worth. */
const TABLE_BYTES_CHECKED_MAX = 32 << 20

export interface LevelStoreOptions {
  /** Memory for LevelDB's block cache, in bytes. */
  readonly cacheBytes: number
  /** What the store holds, for error messages, and the command that mends it. */
  readonly name: string
  readonly mend: string
}

/** A Buffer's memory as a plain array: a Buffer's `slice` would be a view where the port promises what copies. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

class LevelStore implements Store {
  readonly #level: Level
  readonly #options: LevelStoreOptions

  constructor(level: Level, options: LevelStoreOptions) {
    this.#level = level
    this.#options = options
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      const value = this.#level.getSync(key)
      return value === undefined ? undefined : plain(value)
    } catch (cause) {
      throw storeError(cause, this.#options)
    }
  }

  async write(changes: readonly StoreChange[], options: { sync?: boolean } = {}): Promise<void> {
    try {
      // A chained batch costs a fifth of an array of operations: nothing is copied on the way.
      const batch = this.#level.batch()
      for (const { key, value } of changes) {
        if (value === undefined) batch.del(key)
        else batch.put(key, value)
      }
      await batch.write({ sync: options.sync ?? false })
    } catch (cause) {
      throw storeError(cause, this.#options)
    }
  }

  async *entries(from: Uint8Array, to: Uint8Array): AsyncGenerator<readonly (readonly [Uint8Array, Uint8Array])[]> {
    const iterator = this.#level.iterator({ gte: from, lt: to, highWaterMarkBytes: 1 << 20 })
    try {
      for (;;) {
        const batch = await iterator.nextv(BATCH_ENTRIES)
        if (batch.length === 0) return
        yield batch.map(([key, value]) => [plain(key), plain(value)] as const)
      }
    } catch (cause) {
      throw storeError(cause, this.#options)
    } finally {
      await iterator.close()
    }
  }

  async approximateSize(from: Uint8Array, to: Uint8Array): Promise<number> {
    return this.#level.approximateSize(from, to)
  }

  async close(): Promise<void> {
    await this.#level.close()
  }
}

function storeError(cause: unknown, { name, mend }: LevelStoreOptions): OperationError {
  if (cause instanceof OperationError) return cause
  const error = cause as Error & { code?: string; cause?: Error & { code?: string } }
  const inner = error.cause ?? error
  if (inner.code === 'LEVEL_LOCKED') {
    return new OperationError('store-locked', `Cannot obtain a lock on ${name}: another process is using it`, { cause })
  }
  return new OperationError('store-damaged', `Error opening or reading ${name}: ${inner.message}`, {
    cause,
    next: mend,
  })
}

/**
 * Throws where a file in the folder is damaged in a way that LevelDB, as the binding has built it, would not tell: a log that lost
 * writes in its middle, or a table whose checksums do not hold. Tables are looked at from the newest on, so far as time allows.
 */
function checkFiles(folder: string, { name, mend }: LevelStoreOptions): void {
  const live = liveFilesOf(folder)
  if (live === undefined) return
  let tableBytes = 0
  for (const file of readdirSync(folder).sort().reverse()) {
    const [, digits, kind] = /^(\d+)\.(ldb|sst|log)$/.exec(file) ?? []
    if (kind === undefined) continue
    const isTable = kind !== 'log'
    // What a crash cut short and no manifest names yet goes when the store is opened.
    if (isTable ? !live.tables.has(Number(digits)) : Number(digits) < live.firstLog) continue
    if (isTable && tableBytes >= TABLE_BYTES_CHECKED_MAX) continue
    const bytes = readFileSync(join(folder, file))
    if (isTable) tableBytes += bytes.length
    if (isTable ? isTableSound(bytes) : !hasLogHole(bytes)) continue
    throw new OperationError('store-damaged', `Error opening or reading ${name}: ${file} is damaged`, { next: mend })
  }
}

/** The files that a store's manifest names; undefined where there is no store, or LevelDB itself must say what is wrong with it. */
function liveFilesOf(folder: string): LiveFiles | undefined {
  const current = join(folder, 'CURRENT')
  if (!existsSync(current)) return undefined
  const manifest = join(folder, readFileSync(current, 'utf8').trim())
  return existsSync(manifest) ? liveFiles(readFileSync(manifest)) : undefined
}

/**
 * Opens (or creates) a LevelDB store in a folder. Uncompressed and with the table format of Bitcoin Core's own, so that either reads
 * the other's. Throws OperationError `store-locked` or `store-damaged`.
 */
export async function openLevelStore(folder: string, options: LevelStoreOptions): Promise<Store> {
  checkFiles(folder, options)
  const level: Level = new ClassicLevel(folder, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
    cacheSize: Math.max(options.cacheBytes, 1 << 20),
    writeBufferSize: 4 << 20,
    maxOpenFiles: 1000,
  })
  try {
    await level.open()
  } catch (cause) {
    throw storeError(cause, options)
  }
  return new LevelStore(level, options)
}
