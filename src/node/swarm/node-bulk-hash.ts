import { createHash } from 'node:crypto'
import type { BulkHash } from '../../base/ports/bulk-hash.ts'

/** Hashes by OpenSSL, which has the processor's own instructions for them. */
export const nodeBulkHash: BulkHash = {
  sha1Stream() {
    const hash = createHash('sha1')
    return { update: data => void hash.update(data), digest: () => hash.digest() }
  },
  sha1: data => createHash('sha1').update(data).digest(),
  sha256: data => createHash('sha256').update(data).digest(),
}
