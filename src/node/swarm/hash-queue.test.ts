import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { BulkHash } from '../../base/ports/bulk-hash.ts'
import { nodeBulkHash, openSslBulkHash } from '../../platform/bulk-hash.ts'
import { HashQueue } from './hash-queue.ts'

for (const hash of new Set<BulkHash>([openSslBulkHash, nodeBulkHash])) {
  test(`${hash.name}: one piece alone is hashed soon, and many are all hashed`, async () => {
    const queue = new HashQueue(hash)
    for (const count of [1, 2, 50]) {
      const pieces = Array.from({ length: count }, () => new Uint8Array(randomBytes(200_000)))
      const found = await Promise.all(
        pieces.map(async piece => {
          const sha1 = hash.startSha1()
          await new Promise<void>(resolve => queue.add({ sha1, leaves: undefined, parts: [piece], zeros: 0 }, resolve))
          return Buffer.from(sha1.digest()).toString('hex')
        }),
      )
      assert.deepEqual(
        found,
        pieces.map(piece => createHash('sha1').update(piece).digest('hex')),
      )
    }
  })
}
