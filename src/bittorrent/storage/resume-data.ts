import { equalBytes } from '../../base/bytes/bytes.ts'
import { ByteReader } from '../../base/bytes/reader.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { sha1 } from '../../base/crypto/hash.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { decodeBencode } from '../bencode/decode.ts'
import { encodeBencode } from '../bencode/encode.ts'
import { asDict, bytesField, integerField, listField } from '../bencode/fields.ts'
import type { BencodeValue } from '../bencode/value.ts'
import { Bitfield } from '../wire/bitfield.ts'

/** How a file is, its times in whole milliseconds; zeros for one that does not exist. */
export interface FileState {
  readonly size: number
  /** When its bytes were changed last, or so says whoever changed them. */
  readonly modifiedMs: number
  /** When anything of it was changed last, as the system says; older data do not tell. */
  readonly changedMs: number | undefined
}

/**
 * What a torrent remembers of itself. Pieces are claimed here only after their bytes were made durable; a file whose size or
 * time has changed since loses the claims of its pieces.
 */
export interface ResumeSnapshot {
  readonly have: Bitfield
  /** In the torrent's order. */
  readonly files: readonly FileState[]
  /** Files whose bytes, as far as there are any, lie in the file of parts: nobody had asked for them. */
  readonly inParts: ReadonlySet<number>
  readonly parts: FileState
}

/** Raised whenever older data would be misread. */
const RESUME_VERSION = 3
/** Data that does not tell when anything of a file was changed. */
const RESUME_VERSION_MIN = 2

export function encodeResume({ have, files, inParts, parts }: ResumeSnapshot): Uint8Array {
  const body = encodeBencode({
    files: files.map((file, index) => encodeState(file, inParts.has(index))),
    have: have.bytes,
    parts: encodeState(parts, false),
    version: RESUME_VERSION,
  })
  const writer = new ByteWriter(body.length + 20)
  return writer.bytes(sha1(body)).bytes(body).finish()
}

/** Reads a snapshot; refuses one that is torn, of another version, or of another torrent. */
export function decodeResume(bytes: Uint8Array, pieceCount: number, fileCount: number): Verdict<ResumeSnapshot> {
  const body = bytes.subarray(20)
  if (bytes.length < 20 || !equalBytes(sha1(body), bytes.subarray(0, 20))) return reject('resume-damaged')
  const decoded = decodeBencode(body)
  const dict = decoded.ok ? asDict(decoded.value.value) : undefined
  if (dict === undefined) return reject('resume-damaged')
  const version = integerField(dict, 'version') ?? 0
  if (version < RESUME_VERSION_MIN || version > RESUME_VERSION) return reject('resume-version')
  const have = Bitfield.fromBytes(bytesField(dict, 'have') ?? new Uint8Array(0), pieceCount)
  const parts = readState(listField(dict, 'parts'))
  if (parts === undefined) return reject('resume-damaged')
  const files: FileState[] = []
  const inParts = new Set<number>()
  for (const entry of listField(dict, 'files') ?? []) {
    const state = readState(entry)
    if (state === undefined) return reject('resume-damaged')
    if ((entry as BencodeValue[])[2] === 1) inParts.add(files.length)
    files.push(state)
  }
  if (have === undefined || files.length !== fileCount) return reject('resume-other-torrent')
  return accept({ have, files, inParts, parts })
}

function encodeState({ size, modifiedMs, changedMs }: FileState, isInParts: boolean): BencodeValue {
  const state = [size, modifiedMs, isInParts ? 1 : 0]
  return changedMs === undefined ? state : [...state, changedMs]
}

function readState(entry: BencodeValue | undefined): FileState | undefined {
  const [size, modifiedMs, , changed] = Array.isArray(entry) ? entry : []
  if (typeof size !== 'number' || typeof modifiedMs !== 'number') return undefined
  return { size, modifiedMs, changedMs: typeof changed === 'number' ? changed : undefined }
}

/** A run of blocks that was written after the last snapshot. */
export interface JournalEntry {
  readonly piece: number
  readonly firstBlock: number
  readonly blockCount: number
}

/** Bytes of an entry: piece, first block, number of blocks, check. */
export const JOURNAL_ENTRY_BYTES = 16

const JOURNAL_CHECK = 0x50_65_65_72

/** Mixes an entry's numbers, so that a torn or overwritten entry is known. */
function checkOf({ piece, firstBlock, blockCount }: JournalEntry): number {
  let mixed = JOURNAL_CHECK
  for (const value of [piece, firstBlock, blockCount]) {
    mixed = Math.imul(mixed ^ value, 0x85eb_ca6b)
    mixed ^= mixed >>> 13
  }
  return mixed >>> 0
}

export function encodeJournalEntry(entry: JournalEntry): Uint8Array {
  return new ByteWriter(JOURNAL_ENTRY_BYTES)
    .u32(entry.piece)
    .u32(entry.firstBlock)
    .u32(entry.blockCount)
    .u32(checkOf(entry))
    .finish()
}

/**
 * Reads a journal up to its first broken entry. What it says is a hint, not a claim: such pieces are hashed again, and
 * blocks of unfinished pieces are judged when their piece is complete.
 */
export function decodeJournal(
  bytes: Uint8Array,
  blockCount: (piece: number) => number,
  pieceCount: number,
): JournalEntry[] {
  const entries: JournalEntry[] = []
  const reader = new ByteReader(bytes)
  while (reader.remaining >= JOURNAL_ENTRY_BYTES) {
    const entry = { piece: reader.u32(), firstBlock: reader.u32(), blockCount: reader.u32() }
    if (reader.u32() !== checkOf(entry) || entry.piece >= pieceCount) break
    if (entry.firstBlock + entry.blockCount > blockCount(entry.piece)) break
    entries.push(entry)
  }
  return entries
}
