import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { testCells } from './cells.ts'
import { lineClient } from './line-client.ts'
import { skipUnless } from './programs.ts'

const folder = fileURLToPath(new URL('./webtorrent/', import.meta.url))
const isInstalled = existsSync(`${folder}node_modules/webtorrent`)
const skip = skipUnless(isInstalled, 'webtorrent is not installed: npm ci --ignore-scripts in test/interop/webtorrent')

testCells(
  lineClient(
    {
      name: 'webtorrent',
      skip,
      versions: ['v1', 'hybrid'],
      unreadable: { v2: /Invalid torrent identifier/ },
      writesPadding: true,
      lacks: {
        'seeds a folder of 200 files to Peers: hybrid': 'webtorrent 3 looks for padding files (BEP 47) on the disk',
        'tells Peers of a peer':
          'webtorrent 3 never starts to send: nothing in it calls start() or addPeer() of its ut_pex',
      },
    },
    process.execPath,
    `${folder}peer.mjs`,
  ),
)
