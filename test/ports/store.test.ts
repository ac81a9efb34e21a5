import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { compareBytes, hex, toHex } from '../../src/base/bytes/bytes.ts'
import { seededRandom } from '../../src/base/ports/seeded-random.ts'
import type { Store } from '../../src/base/ports/store.ts'
import { openLevelStore } from '../../src/platform/level-store.ts'
import { MemoryStore } from '../../src/sim/memory-store.ts'
import { SimDisk } from '../../src/sim/sim-disk.ts'

const IMPLEMENTATIONS: Readonly<Record<string, () => Promise<{ store: Store; end: () => Promise<void> }>>> = {
  async LevelStore() {
    const folder = mkdtempSync(join(tmpdir(), 'peers-store-'))
    const store = await openLevelStore(folder, { cacheBytes: 1 << 20, name: 'test store', mend: 'nothing' })
    return {
      store,
      async end() {
        await store.close()
        rmSync(folder, { recursive: true })
      },
    }
  },
  async MemoryStore() {
    const store = new MemoryStore()
    return { store, end: () => store.close() }
  },
  async SimDisk() {
    const store = await new SimDisk().openStore('store')
    return { store, end: () => store.close() }
  },
}

async function collect(store: Store, from: Uint8Array, to: Uint8Array): Promise<[string, string][]> {
  const found: [string, string][] = []
  for await (const batch of store.entries(from, to)) {
    for (const [key, value] of batch) found.push([toHex(key), toHex(value)])
  }
  return found
}

for (const [name, make] of Object.entries(IMPLEMENTATIONS)) {
  const conforms = (title: string, check: (store: Store) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const { store, end } = await make()
      try {
        await check(store)
      } finally {
        await end()
      }
    })
  }

  conforms('the last change of a key counts, in one batch and over several', async store => {
    assert.equal(store.get(hex('01')), undefined)
    await store.write([
      { key: hex('01'), value: hex('aa') },
      { key: hex('02'), value: hex('') },
      { key: hex('01'), value: hex('bb') },
    ])
    assert.equal(toHex(store.get(hex('01'))!), 'bb')
    assert.equal(toHex(store.get(hex('02'))!), '')
    await store.write([{ key: hex('01'), value: undefined }], { sync: true })
    await store.write([{ key: hex('03'), value: undefined }])
    assert.equal(store.get(hex('01')), undefined)
    await store.write([])
  })

  conforms('ranges hold their first key and not their last, in the order of bytes', async store => {
    const keys = ['7f', '80', '00', 'ff', '8000', '0100', '01', 'ffff']
    await store.write(keys.map(key => ({ key: hex(key), value: hex(key) })))
    const sorted = ['00', '01', '0100', '7f', '80', '8000', 'ff', 'ffff']
    assert.deepEqual(
      (await collect(store, hex(''), hex('ffffff'))).map(([key]) => key),
      sorted,
    )
    assert.deepEqual(await collect(store, hex('01'), hex('80')), [
      ['01', '01'],
      ['0100', '0100'],
      ['7f', '7f'],
    ])
    assert.deepEqual(await collect(store, hex('80'), hex('80')), [])
  })

  conforms('an iteration sees the store as it was when it began', async store => {
    const random = seededRandom(1)
    const keys = Array.from({ length: 3000 }, () => random.bytes(8))
    await store.write(keys.map(key => ({ key, value: key })))
    const seen: Uint8Array[] = []
    let first = true
    for await (const batch of store.entries(hex('00'), hex('ffffffffffffffffff'))) {
      if (first) await store.write(keys.map(key => ({ key, value: undefined })))
      first = false
      for (const [key, value] of batch) {
        assert.deepEqual(key, value)
        seen.push(key)
      }
    }
    assert.deepEqual(seen, [...keys].sort(compareBytes))
    assert.deepEqual(await collect(store, hex('00'), hex('ff')), [])
  })

  conforms('what is given and taken is copied', async store => {
    const value = hex('aa')
    await store.write([{ key: hex('01'), value }])
    value[0] = 0
    store.get(hex('01'))![0] = 1
    assert.equal(toHex(store.get(hex('01'))!), 'aa')
  })

  conforms('an iteration may be left early', async store => {
    await store.write(Array.from({ length: 5000 }, (_, i) => ({ key: Uint8Array.of(i >> 8, i), value: hex('00') })))
    for await (const batch of store.entries(hex('00'), hex('ff'))) {
      assert.ok(batch.length > 0)
      break
    }
    assert.ok((await store.approximateSize(hex('00'), hex('ff'))) >= 0)
  })
}
