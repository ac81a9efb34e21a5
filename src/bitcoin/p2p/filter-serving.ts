import { toHexReversed } from '../../base/bytes/bytes.ts'
import { BASIC_FILTER_TYPE, type FilterCheckpointRequest, type FilterRangeMessage } from '../wire/filter-messages.ts'
import { SERVICES } from '../wire/services.ts'
import type { BlockServing } from './block-serving.ts'
import { CFCHECKPT_INTERVAL, MAX_GETCFHEADERS_SIZE, MAX_GETCFILTERS_SIZE } from './limits.ts'
import type { FilterSource, P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** A request that can be answered. */
interface FilterRange {
  readonly filters: FilterSource
  readonly stop: number
}

/** BIP157: answers light clients from the filter index. */
export class FilterServing {
  readonly #context: P2pContext
  readonly #serving: BlockServing

  constructor(context: P2pContext, serving: BlockServing) {
    this.#context = context
    this.#serving = serving
  }

  #prepare(
    peer: RemotePeer,
    { filterType, stopHash }: FilterCheckpointRequest,
    startHeight: number,
    countMax: number,
  ): FilterRange | undefined {
    const context = this.#context
    const { index } = context.chain
    if (filterType !== BASIC_FILTER_TYPE || (peer.ourServices & SERVICES.NODE_COMPACT_FILTERS) === 0n) {
      context.disconnect(peer, () => `peer requested unsupported block filter type: ${filterType}`)
      return undefined
    }
    const stop = index.find(stopHash)
    if (stop < 0 || !this.#serving.mayTell(stop)) {
      context.disconnect(peer, () => `peer requested invalid block hash: ${toHexReversed(stopHash)}`)
      return undefined
    }
    const stopHeight = index.height(stop)
    if (startHeight > stopHeight) {
      context.disconnect(
        peer,
        () =>
          `peer sent invalid getcfilters/getcfheaders with start height ${startHeight} and stop height ${stopHeight}`,
      )
      return undefined
    }
    if (stopHeight - startHeight >= countMax) {
      const count = stopHeight - startHeight + 1
      context.disconnect(peer, () => `peer requested too many cfilters/cfheaders: ${count} / ${countMax}`)
      return undefined
    }
    const { filters } = context.access
    if (filters === undefined) {
      context.debug(() => 'Filter index for supported type basic not found')
      return undefined
    }
    return { filters, stop }
  }

  /** The blocks of a range, upwards. */
  #blocks(startHeight: number, stop: number): number[] {
    const { index } = this.#context.chain
    const blocks: number[] = []
    const count = index.height(stop) - startHeight + 1
    for (let at = stop; blocks.length < count; at = index.previous(at)) blocks.push(at)
    return blocks.reverse()
  }

  onGetcfilters(peer: RemotePeer, message: FilterRangeMessage): void {
    const context = this.#context
    const range = this.#prepare(peer, message, message.startHeight, MAX_GETCFILTERS_SIZE)
    if (range === undefined) return
    const blocks = this.#blocks(message.startHeight, range.stop)
    const found = blocks.map(block => range.filters.filter(block))
    if (found.includes(undefined)) {
      context.debug(() => `Failed to find block filter in index: ${rangeText(message)}`)
      return
    }
    for (const [i, block] of blocks.entries()) {
      const blockHash = context.chain.index.hash(block)
      context.send(peer, 'cfilter', { filterType: BASIC_FILTER_TYPE, blockHash, filter: found[i]! })
    }
  }

  onGetcfheaders(peer: RemotePeer, message: FilterRangeMessage): void {
    const context = this.#context
    const { index } = context.chain
    const { startHeight } = message
    const range = this.#prepare(peer, message, startHeight, MAX_GETCFHEADERS_SIZE)
    if (range === undefined) return
    const { filters, stop } = range
    const before = startHeight === 0 ? undefined : index.ancestor(stop, startHeight - 1)
    const previousHeader = before === undefined ? new Uint8Array(32) : filters.filterHeader(before)
    if (previousHeader === undefined) {
      this.#logMissingHeader(before!)
      return
    }
    const filterHashes: Uint8Array[] = []
    for (const block of this.#blocks(startHeight, stop)) {
      const hash = filters.filterHash(block)
      if (hash === undefined) {
        context.debug(() => `Failed to find block filter hashes in index: ${rangeText(message)}`)
        return
      }
      filterHashes.push(hash)
    }
    const stopHash = index.hash(stop)
    context.send(peer, 'cfheaders', { filterType: BASIC_FILTER_TYPE, stopHash, previousHeader, filterHashes })
  }

  onGetcfcheckpt(peer: RemotePeer, message: FilterCheckpointRequest): void {
    const context = this.#context
    const { index } = context.chain
    const range = this.#prepare(peer, message, 0, Number.POSITIVE_INFINITY)
    if (range === undefined) return
    const { filters, stop } = range
    const filterHeaders: Uint8Array[] = []
    for (let height = CFCHECKPT_INTERVAL; height <= index.height(stop); height += CFCHECKPT_INTERVAL) {
      const block = index.ancestor(stop, height)
      const header = filters.filterHeader(block)
      if (header === undefined) {
        this.#logMissingHeader(block)
        return
      }
      filterHeaders.push(header)
    }
    context.send(peer, 'cfcheckpt', { filterType: BASIC_FILTER_TYPE, stopHash: index.hash(stop), filterHeaders })
  }

  #logMissingHeader(block: number): void {
    const hash = this.#context.chain.index.hashHex(block)
    this.#context.debug(() => `Failed to find block filter header in index: filter_type=basic, block_hash=${hash}`)
  }
}

function rangeText({ startHeight, stopHash }: FilterRangeMessage): string {
  return `filter_type=basic, start_height=${startHeight}, stop_hash=${toHexReversed(stopHash)}`
}
