import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Daemon, freePort } from '../daemon.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/programs/peers.js', import.meta.url))
const ADDRESS = 'bcrt1qwpt2puqqy2fd74zrn0mr822vdamg3fqgsr97wx'

const removals: (() => Promise<unknown>)[] = []
after(async () => {
  for (const remove of removals.reverse()) await remove()
})

function statusOf(daemon: Daemon, ...more: readonly string[]): ReturnType<typeof spawn> {
  const words = ['status', '-n', 'regtest', '-f', daemon.folder, '--rpc-port', `${daemon.rpcPort}`, ...more]
  return spawn(process.execPath, [PROGRAM, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
}

async function ended(child: ReturnType<typeof spawn>): Promise<{ status: number | null; out: string; err: string }> {
  let [out, err] = ['', '']
  child.stdout!.on('data', data => {
    out += String(data)
  })
  child.stderr!.on('data', data => {
    err += String(data)
  })
  await once(child, 'close')
  return { status: child.exitCode, out, err }
}

async function node(
  args: readonly string[],
): Promise<{ daemon: Daemon; client: Awaited<ReturnType<Daemon['start']>> }> {
  const daemon = await Daemon.create()
  removals.push(() => daemon.remove())
  return { daemon, client: await daemon.start(['-natpmp=0', '-listenonion=0', ...args]) }
}

test('peers status tells how far a peer is, and never that it is synced before it is', async () => {
  const port = await freePort()
  const seeder = await node(['-listen=1', `-bind=127.0.0.1:${port}`, '-connect=0'])
  const lonely = JSON.parse((await ended(statusOf(seeder.daemon, '--json'))).out)
  assert.deepEqual([lonely.network, lonely.stage, lonely.peers.out, lonely.peers.in], ['regtest', 'alone', 0, 0])

  await seeder.client.call('generatetoaddress', [30, ADDRESS])
  const { daemon, client } = await node([`-connect=127.0.0.1:${port}`, '-v2transport=1'])
  await client.call('waitforblockheight', [30, 20_000])
  const { status, out, err } = await ended(statusOf(daemon))
  assert.deepEqual([status, err], [0, ''])
  const rows = out.trimEnd().split('\n')
  assert.equal(rows.length, 6)
  assert.match(rows[0], /^regtest {3}synced {3}up \d+ s$/)
  assert.match(rows[1], /^headers {3}100 % {3}height 30$/)
  assert.match(rows[2], /^blocks {4}100 % of work {3}height 30$/)
  assert.match(rows[3], /^peers {5}1 {3}1 out, 0 in {3}not_publicly_routable 1 {3}v2 1$/)
  assert.match(rows[4], /^traffic {3}\S+ \S+ received, \S+ \S+ sent$/)
  const both = await ended(statusOf(seeder.daemon, '--json'))
  assert.deepEqual(JSON.parse(both.out).peers, {
    in: 1,
    out: 0,
    byNetwork: { not_publicly_routable: 1 },
    byTransport: { v2: 1 },
  })

  await seeder.daemon.stop()
  const alone = JSON.parse((await ended(statusOf(daemon, '--json'))).out)
  assert.deepEqual([alone.stage, alone.blocks.height], ['alone', 30])
})

test('peers status --watch goes on until it is stopped', async () => {
  const { daemon } = await node(['-connect=0'])
  const child = statusOf(daemon, '--watch')
  const lines = createInterface({ input: child.stdout! })
  const closed = once(child, 'close')
  const seen: string[] = []
  for await (const line of lines) {
    seen.push(line)
    if (seen.length === 2) child.kill('SIGINT')
  }
  await closed
  assert.equal(child.exitCode, 0)
  for (const line of seen) assert.match(line, /^headers .* blocks .* of work .* 0 peers {3}no peers: nobody says/)
})

test('where no peer runs, or none answers, it says so and what to do', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'peers-status-'))
  removals.push(async () => rmSync(empty, { recursive: true, force: true }))
  const nobody = await ended(
    spawn(process.execPath, [PROGRAM, 'status', '-n', 'regtest', '-f', empty], { stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  assert.equal(nobody.status, 1)
  assert.match(nobody.err, /^error not-running: no peer runs on .*\n {2}next: name its data folder/)

  const { daemon } = await node(['-connect=0'])
  await daemon.kill()
  const silent = await ended(statusOf(daemon))
  assert.equal(silent.status, 1)
  assert.match(silent.err, /^error not-running: the peer on .* does not answer.*\n {2}next: start it with peers start/)
  const forPrograms = await ended(statusOf(daemon, '--json'))
  assert.deepEqual([forPrograms.status, JSON.parse(forPrograms.out).error.code], [1, 'not-running'])
})
