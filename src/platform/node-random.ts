import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../base/ports/random.ts'

/** The system's cryptographic source. */
export const nodeRandom: Random = {
  bytes: length => new Uint8Array(randomBytes(length)),
  below: bound => randomInt(bound),
  u64: () => randomBytes(8).readBigUInt64LE(),
}
