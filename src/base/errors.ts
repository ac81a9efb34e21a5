/**
 * A failure of the world: a full disk, a closed socket, a locked folder. `code` is stable and kebab-case; `next` says,
 * where it is known, what a person can do about it.
 */
export class OperationError extends Error {
  override readonly name = 'OperationError'
  readonly code: string
  readonly next: string | undefined

  constructor(code: string, message: string, options: { cause?: unknown; next?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.next = options.next
  }
}

/** A bug of ours: the node stops rather than go on wrong. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Throws {@link InvariantError} unless `condition` holds; for what only a bug of ours can make false. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}
