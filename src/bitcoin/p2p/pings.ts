import { BIP0031_VERSION, INACTIVITY_TIMEOUT_MS, PING_INTERVAL_MS } from './limits.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** BIP31: asks peers now and then whether they are there, and how long the way is. */
export class Pings {
  readonly #context: P2pContext

  constructor(context: P2pContext) {
    this.#context = context
  }

  /** @param mayTimeOut whether the connection is old enough to be given up */
  maybeSend(peer: RemotePeer, mayTimeOut: boolean): void {
    const context = this.#context
    const { nowMs } = context
    if (mayTimeOut && peer.pingNonce !== 0n && nowMs > peer.pingStartMs + INACTIVITY_TIMEOUT_MS) {
      const seconds = ((nowMs - peer.pingStartMs) / 1000).toFixed(6)
      context.disconnect(peer, () => `ping timeout: ${seconds}s`)
      return
    }
    const isDue = peer.pingNonce === 0n && nowMs > peer.pingStartMs + PING_INTERVAL_MS
    if (!peer.pingQueued && !isDue) return
    peer.pingQueued = false
    peer.pingStartMs = nowMs
    if (peer.commonVersion <= BIP0031_VERSION) {
      peer.pingNonce = 0n
      context.sendPayload(peer, 'ping', new Uint8Array(0))
      return
    }
    // Zero stands for no ping under way.
    peer.pingNonce = context.random.u64() || 1n
    context.send(peer, 'ping', { nonce: peer.pingNonce })
  }

  onPong(peer: RemotePeer, nonce: bigint | undefined, payloadBytes: number): void {
    const context = this.#context
    const expected = peer.pingNonce
    const problem = this.#problem(peer, nonce)
    if (problem === undefined) {
      const timeMs = context.nowMs - peer.pingStartMs
      peer.pingTimeMs = timeMs
      peer.minPingMs = Math.min(peer.minPingMs ?? timeMs, timeMs)
      peer.pingNonce = 0n
      return
    }
    context.debug(() => {
      const [wanted, got] = [expected.toString(16), (nonce ?? 0n).toString(16)]
      return `pong peer=${peer.id}: ${problem}, ${wanted} expected, ${got} received, ${payloadBytes} bytes`
    })
    // Zero or nothing comes from software that does not know better: no use waiting for the right one.
    if (problem === 'Nonce zero' || problem === 'Short payload') peer.pingNonce = 0n
  }

  #problem(peer: RemotePeer, nonce: bigint | undefined): string | undefined {
    if (nonce === undefined) return 'Short payload'
    if (peer.pingNonce === 0n) return 'Unsolicited pong without ping'
    if (nonce !== peer.pingNonce) return nonce === 0n ? 'Nonce zero' : 'Nonce mismatch'
    return this.#context.nowMs < peer.pingStartMs ? 'Timing mishap' : undefined
  }
}
