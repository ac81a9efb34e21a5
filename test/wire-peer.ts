import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { builtInNetwork } from '../src/bitcoin/params/networks.ts'
import { type Command, decodeMessage, encodePayload, type Messages } from '../src/bitcoin/wire/messages.ts'
import { UNSPECIFIED_ADDRESS } from '../src/bitcoin/wire/net-address.ts'
import { SERVICES } from '../src/bitcoin/wire/services.ts'
import { V1Transport } from '../src/bitcoin/wire/v1-transport.ts'
import { PROTOCOL_VERSION } from '../src/bitcoin/wire/version-message.ts'
import { loadCrypto } from '../src/platform/crypto.ts'

const NOWHERE = { address: UNSPECIFIED_ADDRESS, port: 0 }

/** One end of a plain connection to a node on regtest, for tests: it says what it is told to, and keeps what it hears. */
export class WirePeer {
  readonly #socket: Socket
  readonly #transport: V1Transport
  readonly heard: { readonly command: string; readonly payload: Uint8Array }[] = []
  #waiting: (() => void)[] = []
  isClosed = false
  #nextNonce = 1n

  private constructor(socket: Socket, transport: V1Transport) {
    this.#socket = socket
    this.#transport = transport
    socket.on('data', (chunk: Buffer) => this.#onData(new Uint8Array(chunk)))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  /** Connects and shakes hands. */
  static async connect(port: number): Promise<WirePeer> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const transport = new V1Transport({ magic: builtInNetwork('regtest')!.magic, hash: await loadCrypto() })
    const peer = new WirePeer(socket, transport)
    peer.send('version', {
      version: PROTOCOL_VERSION,
      services: SERVICES.NODE_NETWORK | SERVICES.NODE_WITNESS,
      timeSeconds: BigInt(Math.floor(Date.now() / 1000)),
      receiver: NOWHERE,
      receiverServices: 0n,
      nonce: BigInt(Math.floor(Math.random() * 2 ** 48)),
      userAgent: '/test/',
      startHeight: 0,
      relay: false,
    })
    await peer.until(() => peer.heard.some(({ command }) => command === 'verack'))
    peer.send('verack', {})
    return peer
  }

  #onData(chunk: Uint8Array): void {
    for (const event of this.#transport.receive(chunk)) {
      if (event.type !== 'message') continue
      const { command, payload } = event
      this.heard.push({ command, payload })
      const decoded = decodeMessage(command, payload)
      if (decoded.ok && decoded.value.command === 'ping') this.send('pong', decoded.value.value)
    }
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  send<C extends Command>(command: C, value: Messages[C]): void {
    this.sendRaw(command, encodePayload(command, value))
  }

  sendRaw(command: string, payload: Uint8Array): void {
    for (const bytes of this.#transport.send(command, payload)) this.#socket.write(bytes)
  }

  /** Waits for something to be so, or for the end of the connection. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.isClosed) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  /** Waits until the node has dealt with all that was sent; false where it has closed the connection instead. */
  async settled(): Promise<boolean> {
    const nonce = this.#nextNonce++
    this.send('ping', { nonce })
    await this.until(() =>
      this.heard.some(({ command, payload }) => {
        const decoded = command === 'pong' ? decodeMessage(command, payload) : undefined
        return decoded?.ok && decoded.value.command === 'pong' && decoded.value.value.nonce === nonce
      }),
    )
    return !this.isClosed
  }

  close(): void {
    this.#socket.destroy()
  }
}
