import type { Allocate } from '../../bitcoin/wire/transport.ts'

/** Payloads from this size on lie in shared memory, which any thread reads without a copy. */
export const SHARED_PAYLOAD_BYTES_MIN = 32 * 1024

/** Commands whose payloads are shared at any size: other threads check what is in them. */
const SHARED_COMMANDS: ReadonlySet<string> = new Set(['block', 'cmpctblock', 'blocktxn'])

/** What a command is cannot be known before a packet is decrypted, so memory is chosen by size. */
export const allocatePayload: Allocate = byteLength =>
  byteLength < SHARED_PAYLOAD_BYTES_MIN ? new Uint8Array(byteLength) : new Uint8Array(new SharedArrayBuffer(byteLength))

/** The payload in the kind of memory that its readers need. */
export function settlePayload(command: string, payload: Uint8Array): Uint8Array {
  if (!SHARED_COMMANDS.has(command) || payload.buffer instanceof SharedArrayBuffer) return payload
  const shared = new Uint8Array(new SharedArrayBuffer(payload.length))
  shared.set(payload)
  return shared
}
