import { readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from './durable-file.ts'

/** What a session remembers of a torrent; plain data. */
export interface SessionRecord {
  /** By which it goes in handshakes, in hex. */
  readonly infohash: string
  /** All that are known of it, in full and in hex: v1's, v2's, or both of a hybrid. */
  readonly infohashes: readonly string[]
  /** Undefined while nobody has told it. */
  readonly name: string | undefined
  /** For as long as there is no .torrent file. */
  readonly magnet: string | undefined
  readonly folder: string
  /** Patterns of the files that are wanted; all of them where there are none. */
  readonly only: readonly string[]
  readonly sequential: boolean
  readonly preallocate: boolean
  readonly superSeed: boolean
  readonly isHeld: boolean
  /** Whether all that was wanted has been there: what is missing later was changed by somebody, and is not fetched unasked. */
  readonly wasComplete: boolean
  /** BEP 12: tiers beside those of the torrent itself. */
  readonly trackers: readonly (readonly string[])[]
  /** As `host:port`. */
  readonly peers: readonly string[]
  /** Bytes a second; none where undefined. */
  readonly uploadLimit: number | undefined
  readonly downloadLimit: number | undefined
  readonly addedAtMs: number
  /** Of all runs until the present one. */
  readonly uploadedBytes: number
  readonly downloadedBytes: number
}

/** A torrent that was added plainly. */
export const RECORD_DEFAULTS = {
  name: undefined,
  magnet: undefined,
  only: [],
  sequential: false,
  preallocate: false,
  superSeed: false,
  isHeld: false,
  wasComplete: false,
  uploadLimit: undefined,
  downloadLimit: undefined,
  uploadedBytes: 0,
  downloadedBytes: 0,
} as const

/** Peers of a torrent's owner that are remembered; of more, those that were named last. */
export const RECORD_PEERS_MAX = 200

const RECORD_VERSION = 1
const RECORD_ENDING = '.session'

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

function isLimit(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value > 0)
}

function readRecord(text: string): SessionRecord | undefined {
  let record: SessionRecord & { readonly version: unknown }
  try {
    const stored = JSON.parse(text)
    // Records of the first months name but the one that goes in handshakes.
    record = { infohashes: [stored?.infohash], ...stored }
  } catch {
    return undefined
  }
  const isRight =
    record?.version === RECORD_VERSION &&
    /^[0-9a-f]{40}$/.test(record.infohash) &&
    [record.folder, record.name ?? '', record.magnet ?? ''].every(field => typeof field === 'string') &&
    [record.sequential, record.preallocate, record.superSeed, record.isHeld, record.wasComplete].every(
      field => typeof field === 'boolean',
    ) &&
    [record.infohashes, record.only, record.peers].every(isTexts) &&
    Array.isArray(record.trackers) &&
    record.trackers.every(isTexts) &&
    [record.uploadLimit, record.downloadLimit].every(isLimit) &&
    [record.addedAtMs, record.uploadedBytes, record.downloadedBytes].every(Number.isFinite)
  return isRight ? record : undefined
}

/** Keeps the records of a session's torrents, and their .torrent files, in a folder. */
export class SessionRecords {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  #path(infohash: string, ending: string): string {
    return join(this.#folder, `${infohash}${ending}`)
  }

  /** Records in the order in which their torrents were added, and the names of files that are none. */
  async load(): Promise<{ readonly records: readonly SessionRecord[]; readonly unreadable: readonly string[] }> {
    const records: SessionRecord[] = []
    const unreadable: string[] = []
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!name.endsWith(RECORD_ENDING)) continue
      const record = readRecord(await readFile(join(this.#folder, name), 'utf8').catch(() => ''))
      if (record !== undefined && name === `${record.infohash}${RECORD_ENDING}`) records.push(record)
      else unreadable.push(name)
    }
    records.sort((a, b) => a.addedAtMs - b.addedAtMs || (a.infohash < b.infohash ? -1 : 1))
    return { records, unreadable }
  }

  async save(record: SessionRecord): Promise<void> {
    const text = `${JSON.stringify({ version: RECORD_VERSION, ...record })}\n`
    await writeDurably(this.#path(record.infohash, RECORD_ENDING), text)
  }

  async saveMetainfo(infohash: string, bytes: Uint8Array): Promise<void> {
    await writeDurably(this.#path(infohash, '.torrent'), bytes)
  }

  /** The bytes of a torrent's .torrent file; undefined while there is none. */
  async metainfo(infohash: string): Promise<Uint8Array | undefined> {
    const bytes = await readFile(this.#path(infohash, '.torrent')).catch(() => undefined)
    return bytes === undefined ? undefined : new Uint8Array(bytes)
  }

  async remove(infohash: string): Promise<void> {
    // The record goes first: without it, nothing of the torrent is taken up again.
    for (const ending of [RECORD_ENDING, '.torrent']) await unlink(this.#path(infohash, ending)).catch(() => {})
  }
}
