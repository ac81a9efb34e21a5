/**
 * One end of a connection: an IP address as people write it, and a port. The zone of a link-local IPv6 address is a number
 * (`fe80::1%2`), as in RFC 4007.
 */
export interface SocketAddress {
  readonly host: string
  readonly port: number
}

/** A socket of this machine that has a name in the file system, where the platform knows such. */
export interface LocalSocketPath {
  readonly path: string
}

/** What a stream tells its owner. After `onClose` nothing more is called. */
export interface StreamHandlers {
  /** Bytes arrived: to be read, or copied, before returning, for their memory is used again. */
  onData(chunk: Uint8Array): void
  /** What was written has been passed on: the backlog is empty. */
  onDrain(): void
  /**
   * The stream is over, called once for every stream, whoever ended it, and never from inside a call to the stream.
   *
   * @param error why, where it did not end in peace
   */
  onClose(error: string | undefined): void
}

/** Bytes in both directions, in order. The end of the other side's bytes ends the stream. */
export interface ByteStream {
  /** Where the other end is; host `''` and port 0 for a {@link LocalSocketPath}. */
  readonly remote: SocketAddress
  readonly local: SocketAddress
  /** Bytes written that have not been passed on yet. */
  readonly backlogBytes: number
  /** Sends bytes that must not change any more. Whoever writes on while there is a backlog makes it grow. */
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
  /** Takes no more connections; those that stand stay. */
  close(): Promise<void>
}

/** Streams to other machines. */
export interface Net {
  /**
   * Connects; rejects with OperationError `connect-failed` (refused, unreachable), or `connect-timeout`.
   *
   * @param handlers made for the stream before any of its events
   */
  connect(
    to: SocketAddress | LocalSocketPath,
    options: { readonly timeoutMs: number },
    handlers: (stream: ByteStream) => StreamHandlers,
  ): Promise<ByteStream>
  /**
   * Takes connections at an address (port 0: any; `::` means IPv6 alone); rejects with OperationError `address-in-use` or
   * `listen-failed`.
   */
  listen(at: SocketAddress, onStream: (stream: ByteStream) => StreamHandlers): Promise<Listener>
  /** The addresses behind a name, as people write them; none where it is unknown. */
  resolve(name: string): Promise<readonly string[]>
}
