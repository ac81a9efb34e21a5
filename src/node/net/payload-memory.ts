/** Commands whose payloads other threads read. */
const SHARED_COMMANDS: ReadonlySet<string> = new Set(['block', 'cmpctblock', 'blocktxn'])

/**
 * The payload in memory that its readers can share without a copy. It is copied there once it is complete: what a payload is for
 * is not known before, and V8 does not count shared memory when it decides whether to look for garbage, so little is made of it.
 */
export function settlePayload(command: string, payload: Uint8Array): Uint8Array {
  if (!SHARED_COMMANDS.has(command)) return payload
  const shared = new Uint8Array(new SharedArrayBuffer(payload.length))
  shared.set(payload)
  return shared
}
