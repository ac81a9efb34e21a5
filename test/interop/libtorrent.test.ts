import { fileURLToPath } from 'node:url'
import { testCells } from './cells.ts'
import { lineClient } from './line-client.ts'
import { PYTHON, skipUnlessRuns } from './programs.ts'

testCells(
  lineClient(
    {
      name: 'libtorrent',
      skip: skipUnlessRuns(PYTHON, ['-c', 'import libtorrent'], 'python3-libtorrent'),
      versions: ['v1', 'v2', 'hybrid'],
      lacks: {},
      unreadable: {},
    },
    PYTHON,
    fileURLToPath(new URL('./libtorrent-peer.py', import.meta.url)),
  ),
)
