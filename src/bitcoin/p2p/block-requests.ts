import { invariant } from '../../base/errors.ts'
import type { PartialBlock } from '../wire/compact-block.ts'
import { MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK } from './limits.ts'
import type { BlockRequest, RemotePeer } from './remote-peer.ts'

/** Which blocks were asked for from whom. A block may be asked for from several peers only by way of compact blocks. */
export class BlockRequests {
  readonly #byBlock = new Map<number, BlockRequest[]>()
  #count = 0
  /** Peers that blocks are being fetched from. */
  peersDownloading = 0

  /** Requests under way. */
  get count(): number {
    return this.#count
  }

  /** Requests of one block, the first one first. */
  of(block: number): readonly BlockRequest[] {
    return this.#byBlock.get(block) ?? []
  }

  isRequested(block: number): boolean {
    return this.#byBlock.has(block)
  }

  isRequestedFromOutbound(block: number): boolean {
    return this.of(block).some(({ peer }) => !peer.isInbound)
  }

  /** The request of a block from a peer, made anew where there is none. */
  add(
    peer: RemotePeer,
    block: number,
    nowMs: number,
    partial?: PartialBlock,
  ): { request: BlockRequest; isNew: boolean } {
    const requests = this.of(block)
    const known = requests.find(request => request.peer === peer)
    if (known !== undefined) return { request: known, isNew: false }
    invariant(requests.length < MAX_CMPCTBLOCKS_INFLIGHT_PER_BLOCK, 'a block is asked for too often')
    const request: BlockRequest = { peer, block, partial }
    this.#byBlock.set(block, [...requests, request])
    this.#count++
    peer.requests.push(request)
    if (peer.requests.length === 1) {
      peer.downloadingSinceMs = nowMs
      this.peersDownloading++
    }
    return { request, isNew: true }
  }

  /** Forgets requests of a block: that from one peer, or all. */
  remove(block: number, from: RemotePeer | undefined, nowMs: number): void {
    const requests = this.of(block)
    const gone = from === undefined ? requests : requests.filter(({ peer }) => peer === from)
    if (gone.length === 0) return
    const left = requests.filter(request => !gone.includes(request))
    if (left.length === 0) this.#byBlock.delete(block)
    else this.#byBlock.set(block, left)
    for (const request of gone) this.#release(request, nowMs)
  }

  #release(request: BlockRequest, nowMs: number): void {
    const { peer } = request
    const at = peer.requests.indexOf(request)
    // The clock of the one behind it starts when the first arrives.
    if (at === 0) peer.downloadingSinceMs = Math.max(peer.downloadingSinceMs, nowMs)
    peer.requests.splice(at, 1)
    this.#count--
    if (peer.requests.length === 0) this.peersDownloading--
    peer.stallingSinceMs = 0
  }

  /** A peer has gone. */
  removePeer(peer: RemotePeer, nowMs: number): void {
    for (const { block } of [...peer.requests]) this.remove(block, peer, nowMs)
  }
}
