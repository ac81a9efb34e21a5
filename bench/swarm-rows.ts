import { randomFillSync } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseMetainfo } from '../src/bittorrent/metainfo/metainfo.ts'
import { HashPool } from '../src/node/swarm/hash-pool.ts'
import { makeTorrent } from '../src/node/swarm/make-torrent.ts'
import { nodeBulkHash } from '../src/platform/bulk-hash.ts'
import { crowdRows, limitRows, seedersRows } from './swarm-crowd.ts'
import { firstByteRow } from './swarm-first-byte.ts'
import { hostileRow, idleRow } from './swarm-memory.ts'
import { emptyFolder } from './swarm-sides.ts'
import { type Film, transferRows } from './swarm-transfer.ts'
import type { Row } from './table.ts'

const ROUNDS = 5
/** Rounds of what takes half a minute because of its limits: it varies little. */
const LIMITED_ROUNDS = 3

async function makeFilm(root: string, mebibytes: number): Promise<Film> {
  const folder = await emptyFolder(join(root, `${mebibytes}`))
  const path = join(folder, 'film.bin')
  const file = openSync(path, 'w')
  for (let i = 0; i < mebibytes; i++) writeSync(file, randomFillSync(Buffer.alloc(2 ** 20)))
  closeSync(file)
  const pool = new HashPool()
  const torrents = { v1: '', v2: '', hybrid: '' }
  let infohash: Uint8Array | undefined
  for (const version of ['v1', 'v2', 'hybrid'] as const) {
    const metainfo = await makeTorrent(path, { version }, pool)
    const parsed = parseMetainfo(metainfo, nodeBulkHash)
    if (parsed.ok && version === 'v1') infohash = parsed.value.info.infohashV1
    torrents[version] = join(folder, `${version}.torrent`)
    await writeFile(torrents[version], metainfo)
  }
  await pool.close()
  return { root, folder, bytes: mebibytes * 2 ** 20, torrents, infohash: infohash! }
}

/** One engine against others over 127.0.0.1; in part against the bound that limits set. */
export async function swarmRows(): Promise<Row[]> {
  const root = await mkdtemp(join(tmpdir(), 'peers-bench-'))
  try {
    const rows = await transferRows(await makeFilm(root, 1024), ROUNDS)
    rows.push(await hostileRow(await makeFilm(root, 256)))
    rows.push(await idleRow(root))
    const small = await makeFilm(root, 64)
    rows.push(await firstByteRow(small, ROUNDS))
    rows.push(...(await seedersRows(small, LIMITED_ROUNDS)))
    rows.push(...(await limitRows(small)))
    rows.push(...(await crowdRows(await makeFilm(root, 128), LIMITED_ROUNDS)))
    return rows
  } finally {
    await rm(root, { recursive: true })
  }
}
