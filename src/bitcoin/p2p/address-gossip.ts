import type { KnownMessage } from '../wire/messages.ts'
import type { AddressMessages } from './message-handler.ts'
import type { P2pContext } from './p2p-context.ts'
import type { RemotePeer } from './remote-peer.ts'

/** What peers tell each other of further peers. */
export class AddressGossip implements AddressMessages {
  constructor(_context: P2pContext) {}

  onAddresses(_peer: RemotePeer, _message: KnownMessage & { command: 'addr' | 'addrv2' }): void {}

  onGetaddr(_peer: RemotePeer): void {}

  maybeSend(_peer: RemotePeer): void {}

  figuresOf(_peer: RemotePeer): { enabled: boolean; processed: number; rateLimited: number } {
    return { enabled: false, processed: 0, rateLimited: 0 }
  }
}
