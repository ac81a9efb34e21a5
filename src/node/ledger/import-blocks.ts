import { basename, dirname } from 'node:path'
import { equalBytes, toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import type { Files, OpenFile } from '../../base/ports/files.ts'
import type { Verdict } from '../../base/verdict.ts'
import { blockFileName } from '../../bitcoin/chainstate/block-files.ts'
import { BlockScanner } from '../../bitcoin/chainstate/block-scanner.ts'
import type { PreparedBlock } from '../../bitcoin/chainstate/prepare-block.ts'
import { NodeFiles } from '../../platform/node-files.ts'
import type { Ledger } from './ledger.ts'

/** How long blocks are taken in before messages are let in. */
const SLICE_MS = 10
/** Blocks that are being prepared while the file is read on. */
const BLOCKS_UNDERWAY_MAX = 8

/** Where a block stands in a file. */
interface Place {
  readonly position: number
  /** Number of our own file, undefined for a foreign one. */
  readonly file: number | undefined
  readonly source: OpenFile
  readonly length: number
}

/** A block on its way through the helpers. */
interface Underway {
  readonly place: Place
  readonly bytes: Uint8Array
  readonly prepared: Promise<Verdict<PreparedBlock>>
}

/** Takes in files of framed blocks, in whatever order the blocks stand in them. */
class BlockImport {
  readonly #ledger: Ledger
  /** Blocks that wait for their parent, by its hash; they are read again when it comes. */
  readonly #orphans = new Map<string, Place[]>()
  #sliceEnd = 0
  count = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  async #maybeBreathe(): Promise<void> {
    if (this.#ledger.ports.monotonic() < this.#sliceEnd) return
    this.#ledger.publish()
    await this.#ledger.saveIndexIfDue()
    await this.#ledger.breathe()
    this.#sliceEnd = this.#ledger.ports.monotonic() + SLICE_MS
  }

  /** @param own the number of the file if it is one of our own, where blocks stay where they are */
  async file(source: OpenFile, xorKey: Uint8Array, own: number | undefined): Promise<void> {
    const { options, helpers } = this.#ledger
    const scanner = new BlockScanner(source, options.params.magic, xorKey, n => helpers.allocate(n))
    const underway: Underway[] = []
    let at = 0
    for (;;) {
      const found = scanner.next(at)
      if (found !== undefined) {
        at = found.position + found.bytes.length
        const place = { position: found.position, file: own, source, length: found.bytes.length }
        underway.push({ place, bytes: found.bytes, prepared: helpers.prepare(found.bytes) })
        if (underway.length < BLOCKS_UNDERWAY_MAX) continue
      }
      const next = underway.shift()
      if (next === undefined || this.#ledger.isClosing) break
      const prepared = await next.prepared
      if (prepared.ok) {
        await this.#take(prepared.value, next.place)
        continue
      }
      // Not a block after all: look again right behind its header, where a whole one may begin.
      at = next.place.position
      underway.length = 0
    }
    if (own === undefined) this.#orphans.clear()
  }

  /** The bytes of a block whose parent came after it. */
  #readAgain({ position, file, source, length }: Place): Uint8Array | undefined {
    const { chain, helpers } = this.#ledger
    // The parent may have come in another of our own files, when this one's was closed already.
    if (file !== undefined) return chain.files.readBlock(file, position, n => helpers.allocate(n))
    const bytes = new Uint8Array(helpers.allocate(length), 0, length)
    return source.readAt(bytes, position) === length ? bytes : undefined
  }

  async #take(prepared: PreparedBlock, place: Place): Promise<void> {
    const queue = [{ prepared, place }]
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { block } = next.prepared
      if (!this.#accept(next.prepared, next.place)) continue
      if (this.#ledger.chain.tip < 0) await this.#ledger.advance()
      const key = toHex(block.hash)
      for (const orphan of this.#orphans.get(key) ?? []) {
        const again = this.#readAgain(orphan)
        const child = again && (await this.#ledger.helpers.prepare(again))
        if (!child?.ok) continue
        const prepared = child.value
        this.#ledger.ports.log.debug('reindex', () => {
          const [hash, parent] = [prepared.block.hash, block.hash].map(toHexReversed)
          return `LoadExternalBlockFile: Processing out of order child ${hash} of ${parent}`
        })
        queue.push({ prepared, place: orphan })
      }
      this.#orphans.delete(key)
      await this.#maybeBreathe()
    }
  }

  /** Whether the block is part of the tree now. */
  #accept({ block, findings }: PreparedBlock, place: Place): boolean {
    const { chain, ports, options } = this.#ledger
    const position = place.file === undefined ? undefined : { file: place.file, position: place.position }
    if (equalBytes(block.hash, options.params.genesisHash)) {
      if (chain.index.count === 0) chain.addGenesis(position)
      return true
    }
    if (chain.index.find(block.header.previous) < 0) {
      const key = toHex(block.header.previous)
      ports.log.debug('reindex', () => {
        const [hash, parent] = [block.hash, block.header.previous].map(toHexReversed)
        return `LoadExternalBlockFile: Out of order block ${hash}, parent ${parent} not known`
      })
      const waiting = this.#orphans.get(key)
      if (waiting === undefined) this.#orphans.set(key, [place])
      else waiting.push(place)
      return false
    }
    const asked = { requested: true, findings, ...(position && { position }) }
    const verdict = chain.acceptBlock(block, asked, ports.nowSeconds())
    if (!verdict.ok) {
      ports.log.error(`Block ${toHexReversed(block.hash)} was refused: ${verdict.code}`)
      return false
    }
    if (verdict.value.isNew) this.count++
    return true
  }
}

async function eachFile(
  files: Files,
  goOn: () => boolean,
  visit: (file: OpenFile, number: number) => Promise<void>,
): Promise<void> {
  for (let number = 0; files.exists(blockFileName(number)) && goOn(); number++) {
    const file = files.open(blockFileName(number))
    await visit(file, number)
    file.close()
  }
}

/**
 * What a ledger takes in when it starts: its own block files where they are to be indexed anew, and files of blocks that its owner
 * names. All blocks are accepted before the first is connected, so that -assumevalid knows what lies above.
 */
export async function importBlocks(ledger: Ledger): Promise<void> {
  const { options, ports, chain } = ledger
  const work = new BlockImport(ledger)
  if (ledger.isReindexing) {
    await eachFile(
      ports.disk.blocks,
      () => !ledger.isClosing,
      async (file, number) => {
        ports.log.info(`Reindexing block file ${blockFileName(number)}...`)
        await work.file(file, ledger.xorKey, number)
      },
    )
    if (!ledger.isClosing) ports.log.info('Reindexing finished')
  }
  if (chain.index.count === 0) chain.addGenesis()
  for (const path of options.loadBlocks) {
    if (ledger.isClosing) return
    const files = new NodeFiles(dirname(path))
    if (!files.exists(basename(path))) {
      ports.log.warning(`Could not open blocks file ${path}`)
      continue
    }
    ports.log.info(`Importing blocks file ${path}...`)
    const before = work.count
    const file = files.open(basename(path), { readOnly: true })
    await work.file(file, new Uint8Array(8), undefined)
    file.close()
    ports.log.info(`Loaded ${work.count - before} blocks from external file`)
  }
}
