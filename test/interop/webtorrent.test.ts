import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { testCells } from './cells.ts'
import { lineClient } from './line-client.ts'

const folder = fileURLToPath(new URL('./webtorrent/', import.meta.url))
const isInstalled = existsSync(`${folder}node_modules/webtorrent`)

testCells(
  lineClient(
    {
      name: 'webtorrent',
      skip: isInstalled ? false : 'webtorrent is not installed: npm ci --ignore-scripts in test/interop/webtorrent',
      host: '127.0.0.1',
      versions: ['v1'],
      slow: ['tells Peers of a peer (PEX)'],
      lacks: {},
    },
    process.execPath,
    `${folder}peer.mjs`,
  ),
)
