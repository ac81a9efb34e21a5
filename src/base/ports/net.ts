/** One end of a connection: an IP address as people write it, and a port. */
export interface SocketAddress {
  readonly host: string
  readonly port: number
}

/** What a stream tells its owner. After `onClose` nothing more is called. */
export interface StreamHandlers {
  /** Bytes arrived; they are the owner's from now on. */
  onData(chunk: Uint8Array): void
  /** What was written has been passed on: the backlog is empty. */
  onDrain(): void
  /** The stream is over; `error` says why where it did not end in peace. */
  onClose(error: string | undefined): void
}

/** Bytes in both directions, in order. */
export interface ByteStream {
  readonly remote: SocketAddress
  readonly local: SocketAddress
  /** Bytes written that have not been passed on yet. */
  readonly backlogBytes: number
  /** Sends bytes that must not change any more. */
  write(chunks: readonly Uint8Array[]): void
  /** Calls back no more data until {@link resume}. */
  pause(): void
  resume(): void
  /** Closes once what was written has been passed on. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

export interface Listener {
  readonly address: SocketAddress
  close(): Promise<void>
}

/** Streams to other machines. */
export interface Net {
  /**
   * Connects; rejects with OperationError `connect-failed` (refused, unreachable, timed out).
   *
   * @param handlers made for the stream before any of its events
   */
  connect(
    to: SocketAddress,
    options: { readonly timeoutMs: number },
    handlers: (stream: ByteStream) => StreamHandlers,
  ): Promise<ByteStream>
  /** Takes connections at an address (port 0: any); rejects with OperationError `listen-failed`. */
  listen(at: SocketAddress, onStream: (stream: ByteStream) => StreamHandlers): Promise<Listener>
  /** The addresses behind a name, as people write them; none where it is unknown. */
  resolve(name: string): Promise<readonly string[]>
}
