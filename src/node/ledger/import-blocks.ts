import { basename, dirname } from 'node:path'
import { toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import type { Files, OpenFile } from '../../base/ports/files.ts'
import { blockFileName } from '../../bitcoin/chainstate/block-files.ts'
import { BlockScanner } from '../../bitcoin/chainstate/block-scanner.ts'
import type { HashedBlock } from '../../bitcoin/consensus/check-block.ts'
import { NodeFiles } from '../../platform/node-files.ts'
import { breathe, type Ledger } from './ledger.ts'

/** How long blocks are taken in before messages are let in. */
const SLICE_MS = 10

/** Where a block stands that came before its parent. */
interface Orphan {
  readonly position: number
  /** Number of our own file, undefined for a foreign one. */
  readonly file: number | undefined
  readonly source: OpenFile
  readonly length: number
}

/** Takes in files of framed blocks, in whatever order the blocks stand in them. */
class BlockImport {
  readonly #ledger: Ledger
  /** Blocks that wait for their parent, by its hash; they are read again when it comes. */
  readonly #orphans = new Map<string, Orphan[]>()
  #sliceEnd = 0
  count = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  async #maybeBreathe(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return
    this.#ledger.publish()
    await this.#ledger.saveIndexIfDue()
    await breathe()
    this.#sliceEnd = performance.now() + SLICE_MS
  }

  /** @param own the number of the file if it is one of our own, where blocks stay where they are */
  async file(source: OpenFile, xorKey: Uint8Array, own: number | undefined): Promise<void> {
    const { params } = this.#ledger.options
    const scanner = new BlockScanner(source, params.magic, xorKey)
    let at = 0
    for (let found = scanner.next(at); found !== undefined; found = scanner.next(at)) {
      const block = this.#ledger.readBytes(found.bytes)
      if (block === undefined) {
        at = found.position
        continue
      }
      at = found.position + found.bytes.length
      const orphan = { position: found.position, file: own, source, length: found.bytes.length }
      await this.#take(block, orphan, xorKey)
    }
    if (own === undefined) this.#orphans.clear()
  }

  async #take(block: HashedBlock, place: Orphan, xorKey: Uint8Array): Promise<void> {
    const queue = [{ block, place }]
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (!this.#accept(next.block, next.place)) continue
      if (this.#ledger.chain.tip < 0) await this.#ledger.advance()
      const key = toHex(next.block.hash)
      for (const orphan of this.#orphans.get(key) ?? []) {
        const again = new BlockScanner(orphan.source, this.#ledger.options.params.magic, xorKey).next(
          orphan.position - 8,
        )
        const child = again && this.#ledger.readBytes(again.bytes)
        if (child !== undefined) queue.push({ block: child, place: orphan })
      }
      this.#orphans.delete(key)
      await this.#maybeBreathe()
    }
  }

  /** Whether the block is part of the tree now. */
  #accept(block: HashedBlock, place: Orphan): boolean {
    const { chain, ports, options } = this.#ledger
    if (toHex(block.hash) === toHex(options.params.genesisHash)) {
      if (chain.index.count === 0)
        chain.addGenesis(place.file === undefined ? undefined : { file: place.file, position: place.position })
      return true
    }
    if (chain.index.find(block.header.previous) < 0) {
      const key = toHex(block.header.previous)
      const waiting = this.#orphans.get(key)
      if (waiting === undefined) this.#orphans.set(key, [place])
      else waiting.push(place)
      return false
    }
    const position = place.file === undefined ? undefined : { file: place.file, position: place.position }
    const verdict = chain.acceptBlock(block, { requested: true, ...(position && { position }) }, ports.nowSeconds())
    if (!verdict.ok) {
      ports.log.error(`Block ${toHexReversed(block.hash)} was refused: ${verdict.code}`)
      return false
    }
    if (verdict.value.isNew) this.count++
    return true
  }
}

async function eachFile(files: Files, visit: (file: OpenFile, number: number) => Promise<void>): Promise<void> {
  for (let number = 0; files.exists(blockFileName(number)); number++) {
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
    await eachFile(new NodeFiles(options.blocksFolder), async (file, number) => {
      ports.log.info(`Reindexing block file ${blockFileName(number)}...`)
      await work.file(file, ledger.xorKey, number)
    })
    ports.log.info('Reindexing finished')
  }
  if (chain.index.count === 0) chain.addGenesis()
  for (const path of options.loadBlocks) {
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
