import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Program, PYTHON, skipUnlessRuns } from './programs.ts'
import { differences, Workshop } from './workshop.ts'

const skip = skipUnlessRuns(PYTHON, ['-c', 'import libtorrent'], 'python3-libtorrent')
const PEER = fileURLToPath(new URL('./libtorrent-peer.py', import.meta.url))

const SAMPLES: Record<string, Record<string, number>> = {
  'one file': { 'film.bin': 5_000_001 },
  'a folder of 200 files': Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`part ${i % 7}/${i}.bin`, (i * 977) % 40_000]),
  ),
}

let workshop: Workshop
const programs: Program[] = []

before(async () => {
  workshop = await Workshop.open()
})

after(async () => {
  for (const program of programs) await program.stop()
  await workshop.close()
})

function libtorrent(...args: string[]): Program {
  const program = new Program(PYTHON, [PEER, ...args])
  programs.push(program)
  return program
}

for (const [kind, sizes] of Object.entries(SAMPLES)) {
  for (const version of ['v1', 'v2', 'hybrid'] as const) {
    for (const by of ['torrent', 'magnet'] as const) {
      test(`libtorrent fetches ${kind} from Peers: ${version}, by ${by}`, { skip }, async () => {
        const source = await workshop.makeFiles('sample', sizes)
        const seeder = await workshop.client()
        const path = kind === 'one file' ? join(source, 'film.bin') : source
        const { torrent, metainfo } = await seeder.seed(path, { version })
        const torrentFile = await workshop.write('x.torrent', metainfo)
        const folder = workshop.folder()
        const peer = libtorrent(
          'get',
          folder,
          by === 'torrent' ? torrentFile : torrent.magnet,
          `127.0.0.1:${seeder.port}`,
        )
        const result = JSON.parse(await peer.line())
        assert.equal(result.done, true, peer.errors)
        const target = kind === 'one file' ? folder : join(folder, 'sample')
        assert.deepEqual(await differences(source, target, Object.keys(sizes)), [])
        await peer.ended()
      })

      test(`Peers fetches ${kind} from libtorrent: ${version}, by ${by}`, { skip }, async () => {
        const source = await workshop.makeFiles('sample', sizes)
        const maker = await workshop.client()
        const path = kind === 'one file' ? join(source, 'film.bin') : source
        const { torrent, metainfo } = await maker.seed(path, { version })
        await maker.close()
        const torrentFile = await workshop.write('x.torrent', metainfo)
        const peer = libtorrent('seed', dirname(path), torrentFile)
        const { port } = JSON.parse(await peer.line())
        const leecher = await workshop.client()
        const folder = workshop.folder()
        const peers = [{ host: '127.0.0.1', port }]
        const fetched = await leecher.add(by === 'torrent' ? metainfo : torrent.magnet, { folder, peers })
        await fetched.done()
        const target = kind === 'one file' ? folder : join(folder, 'sample')
        assert.deepEqual(await differences(source, target, Object.keys(sizes)), [])
        await peer.stop()
      })
    }
  }
}
