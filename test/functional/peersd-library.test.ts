import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'

// The built package, as importers get it: its threads are started from JavaScript.
const library: typeof import('../../src/index.ts') = await import(new URL('../../dist/index.js', import.meta.url).href)
const { builtInNetwork, openPeer, RPC_HTTP_DEFAULTS, RpcClient, serveRpc } = library

const regtest = builtInNetwork('regtest')!

it('a program opens a peer, mines, serves RPC on any port, and opens the same chain again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'peers-library-'))
  try {
    const peer = await openPeer({ network: regtest, folder })
    await peer.ledger.started
    assert.equal(peer.ledger.tip.height, 0)
    const rpc = await serveRpc(peer, {
      http: { ...RPC_HTTP_DEFAULTS, bind: [{ host: '127.0.0.1', port: 0 }] },
      password: { user: 'me', password: 'secret' },
    })
    const { port } = rpc.addresses[0]
    const client = new RpcClient({ host: '127.0.0.1', port, credentials: 'me:secret' })
    await peer.ledger.generate(3, Uint8Array.of(0x51), 1_000_000)
    assert.equal(await client.call('getblockcount'), 3)
    client.close()
    await peer.stop()
    await rpc.stop()

    const again = await openPeer({ network: regtest, folder })
    assert.equal(again.ledger.tip.height, 3)
    await again.stop()
    await again.stopped
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('what keeps a peer from opening comes to whoever opens it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'peers-library-'))
  try {
    mkdirSync(join(folder, 'chainstate'))
    writeFileSync(join(folder, 'chainstate', 'CURRENT'), 'nonsense')
    await assert.rejects(openPeer({ network: regtest, folder }), { name: 'OperationError', code: 'store-damaged' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
