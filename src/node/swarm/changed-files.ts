import { OperationError } from '../../base/errors.ts'
import type { FileState } from '../../bittorrent/storage/resume-data.ts'
import type { Torrent } from '../../bittorrent/swarm/torrent.ts'
import { checkPieces } from './check-pieces.ts'
import { ABSENT_FILE } from './file-state.ts'
import type { HashPool } from './hash-pool.ts'
import type { OpenedFiles } from './open-files.ts'
import { diskError } from './torrent-files.ts'

/** What hashing a file again has found. */
interface Recheck {
  readonly file: number
  readonly state: FileState
  readonly wrong: readonly number[]
  readonly failure: OperationError | undefined
}

/** What finds files that were changed by somebody else, and says which pieces that has cost. */
export class ChangedFiles {
  readonly #core: Torrent
  readonly #opened: OpenedFiles
  readonly #pool: HashPool
  readonly #now: () => number
  /** Files that are being hashed again, and what settles when that is over. */
  readonly #checking = new Map<number, Promise<void>>()
  /** What was given up, until it could be looked at again. */
  readonly #lost = new Set<number>()
  /** How many still wait for what they have asked to be looked at again, and what the next of them waits for. */
  #askedAgain = 0
  #lastAsked = Promise.resolve()
  readonly #onChanged: (error: OperationError) => void

  /** @param onChanged told why the torrent must not go on by itself, before pieces are given up and before anything resolves */
  constructor(
    core: Torrent,
    opened: OpenedFiles,
    pool: HashPool,
    now: () => number,
    onChanged: (error: OperationError) => void,
  ) {
    this.#core = core
    this.#opened = opened
    this.#pool = pool
    this.#now = now
    this.#onChanged = onChanged
  }

  /** The files that a piece is of. */
  #filesOf(piece: number): number[] {
    const { info, map } = this.#opened.target
    const slices = map.slices(piece * info.pieceLength, map.dataSize(piece))
    return slices.filter(({ file }) => !info.files[file].padding).map(({ file }) => file)
  }

  #lose(piece: number): void {
    if (!this.#core.picker!.have.has(piece)) return
    this.#lost.add(piece)
    this.#core.pieceLost(piece, this.#now())
  }

  /**
   * A piece could not be read, or not as it was: hashes what we had of its files again, and gives up what is wrong. Resolves when that
   * is over, whoever began it.
   */
  async doubt(piece: number): Promise<void> {
    if (!this.#core.picker!.have.has(piece)) return
    const files = this.#filesOf(piece)
    // Whoever checks a file already will say what is wrong with it.
    const others = files.map(file => this.#checking.get(file))
    const touched = files.filter(file => !this.#checking.has(file))
    if (touched.length > 0) await this.#whileChecking(touched, () => this.#recheckAll(touched))
    await Promise.all(others)
  }

  /** Never throws: a failure is told of before anybody who waits for the files goes on. */
  async #whileChecking(files: Iterable<number>, work: () => Promise<void>): Promise<void> {
    const checking = work().catch(error => this.#onChanged(diskError(error, 'a file')))
    for (const file of files) this.#checking.set(file, checking)
    await checking
    for (const file of files) if (this.#checking.get(file) === checking) this.#checking.delete(file)
  }

  async #recheckAll(files: readonly number[]): Promise<void> {
    const found = []
    for (const file of files) found.push(await this.#recheck(file))
    // It stops first: what is given up is asked for at once, and the owner's change would be overwritten.
    for (const { failure } of found) if (failure !== undefined) this.#onChanged(failure)
    for (const { wrong } of found) for (const lost of wrong) this.#lose(lost)
    // Only now may the files be read again.
    for (const { file, state } of found) this.#opened.files.know(file, state)
  }

  /** Pieces of a file that count as right. */
  #piecesHad(file: number): number[] {
    const { have } = this.#core.picker!
    const [first, last] = this.#opened.target.map.piecesOfFile(file) ?? [1, 0]
    const pieces: number[] = []
    for (let piece = first; piece <= last; piece++) if (have.has(piece)) pieces.push(piece)
    return pieces
  }

  async #recheck(file: number): Promise<Recheck> {
    const { files, target } = this.#opened
    await files.letGo(file)
    const state = await files.state(file)
    const wrong: number[] = []
    await checkPieces(target, this.#piecesHad(file), this.#pool, (piece, isRight) => {
      if (!isRight) wrong.push(piece)
    })
    const isMissing = state === ABSENT_FILE
    return { file, state, wrong, failure: wrong.length > 0 ? changed(files.path(file), isMissing) : undefined }
  }

  /** Counts all that is wanted and not there as lost; the first file of it is named. */
  missing(): OperationError | undefined {
    const { have, pieceCount } = this.#core.picker!
    let first: number | undefined
    for (let piece = 0; piece < pieceCount; piece++) {
      if (have.has(piece) || this.#core.picker!.priority(piece) === 0) continue
      this.#lost.add(piece)
      first ??= this.#filesOf(piece)[0]
    }
    return first === undefined ? undefined : changed(this.#opened.files.path(first), false)
  }

  /** Whether pieces were given up that may be right again. */
  get hasLost(): boolean {
    return this.#lost.size > 0
  }

  /** Whether somebody waits for `reconsider`. */
  get isReconsidering(): boolean {
    return this.#askedAgain > 0
  }

  /** Hashes what was lost again: its owner may have put it back. Who asks for it meanwhile comes next. */
  reconsider(): Promise<void> {
    this.#askedAgain++
    this.#lastAsked = this.#lastAsked.then(async () => {
      await this.#reconsiderLost()
      this.#askedAgain--
    })
    return this.#lastAsked
  }

  async #reconsiderLost(): Promise<void> {
    const { have, activePieces } = this.#core.picker!
    for (const piece of this.#lost) if (have.has(piece) || activePieces.has(piece)) this.#lost.delete(piece)
    const pieces = new Set(this.#lost)
    const touched = new Set([...pieces].flatMap(piece => this.#filesOf(piece)))
    await this.#whileChecking(touched, () => this.#judgeAll(pieces, touched))
  }

  async #judgeAll(pieces: Set<number>, touched: ReadonlySet<number>): Promise<void> {
    const { files, target } = this.#opened
    const states = new Map<number, FileState>()
    for (const file of touched) {
      await files.letGo(file)
      const state = await files.state(file)
      states.set(file, state)
      // What was put there may be wrong where it was right before.
      if (!files.isKnown(file, state)) for (const piece of this.#piecesHad(file)) pieces.add(piece)
    }
    await checkPieces(target, pieces, this.#pool, (piece, isRight) => this.#judge(piece, isRight))
    // Not before: what could not be looked at now is looked at the next time.
    for (const piece of pieces) this.#lost.delete(piece)
    for (const [file, state] of states) files.know(file, state)
  }

  #judge(piece: number, isRight: boolean): void {
    if (!isRight) this.#lose(piece)
    else if (!this.#core.picker!.have.has(piece)) this.#core.pieceVerified(piece, undefined, this.#now())
  }
}

function changed(path: string, isMissing: boolean): OperationError {
  const [code, message] = isMissing ? ['file-missing', `${path} is missing`] : ['file-changed', `${path} was changed`]
  return new OperationError(code, message, {
    next: 'put the file back and resume the torrent; resumed without it, its bytes are fetched again',
  })
}
