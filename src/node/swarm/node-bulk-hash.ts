import { createHash, hash } from 'node:crypto'
import type { BulkHash } from '../../base/ports/bulk-hash.ts'

/** Hashes by OpenSSL, which has the processor's own instructions for them. */
export const nodeBulkHash: BulkHash = {
  sha1Stream() {
    const stream = createHash('sha1')
    return { update: data => void stream.update(data), digest: () => stream.digest() }
  },
  sha1: data => hash('sha1', data, 'buffer'),
  sha256: data => hash('sha256', data, 'buffer'),
}
