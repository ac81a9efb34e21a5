import type { SpentCoins } from '../chainstate/spent-coins.ts'
import type { HashedBlock } from '../consensus/check-block.ts'

/** Where an index gets the blocks that it is told of; both throw OperationError `block-damaged`. */
export interface BlockSource {
  block(id: number): HashedBlock
  /** What the block spent; nothing for the genesis block. */
  spent(id: number): SpentCoins
}

/**
 * An index over the blocks of the active chain, which its owner leads along the chain one block at a time. Blocks are numbers of the
 * block index. It works synchronously in memory; what it has to write waits for {@link ChainIndex.flush}.
 */
export interface ChainIndex {
  /** Core's name for it. */
  readonly name: string
  /** The last block that is in it, -1 for none. */
  readonly best: number
  /** Takes in the block that follows {@link ChainIndex.best}. */
  connect(id: number, source: BlockSource): void
  /**
   * As {@link ChainIndex.connect}, with pauses in between where that takes long. Until it is done, nothing but flushing and looking up may
   * be asked for.
   */
  connectInParts?(id: number, source: BlockSource): Generator<undefined, void>
  /** Goes back from {@link ChainIndex.best} to its parent. What belongs to the block can still be asked for. */
  disconnect(source: BlockSource): void
  /** Bytes that wait to be written. */
  readonly waitingBytes: number
  /** Writes what waits. After a crash the index goes on from its last {@link ChainIndex.commit} all the same. */
  flush(): Promise<void>
  /** Writes what waits and the best block: from there the index goes on when it is opened again. The block must be on disk to stay. */
  commit(): Promise<void>
  close(): Promise<void>
}
