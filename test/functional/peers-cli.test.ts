import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Daemon, freePort } from '../daemon.ts'
import { type Ended, runNode } from '../run-node.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/programs/peers.js', import.meta.url))
const TEST_ADDRESS = 'bcrt1qwpt2puqqy2fd74zrn0mr822vdamg3fqgsr97wx'

function start(words: readonly string[]): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...words], { stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Runs a command to its end, with a text on its standard input. */
function run(words: readonly string[], input = ''): Promise<Ended> {
  return runNode([PROGRAM, ...words], { input })
}

/** Starts a command that goes on, hands its first line of output to `body`, and ends it. */
async function whileRunning(
  words: readonly string[],
  body: (line: string, child: ChildProcess) => Promise<void>,
): Promise<Ended> {
  const child = start(words)
  let err = ''
  let out = ''
  child.stderr!.on('data', data => (err += data))
  const closed = once(child, 'close')
  try {
    const lines = createInterface({ input: child.stdout! })
    lines.on('line', line => (out += `${line}\n`))
    const first = await Promise.race([once(lines, 'line'), closed.then(() => [])])
    assert.ok(first.length > 0, `it ended at once: ${err}`)
    await body(String(first[0]), child)
    child.kill('SIGINT')
    await closed
  } finally {
    child.kill('SIGKILL')
  }
  return { status: child.exitCode, out, err }
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'peers-test-'))
  try {
    await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('peers dev', () => {
  it('says nothing but the truth, and leaves nothing behind', async () => {
    const port = await freePort()
    let folder = ''
    const { status, err } = await whileRunning(['dev', '--json', '--rpc-port', `${port}`], async line => {
      const report = JSON.parse(line)
      folder = report.folder
      assert.deepEqual([report.network, report.height, report.temporary], ['regtest', 101, true])
      assert.deepEqual(report.balance, { spendableSats: 50e8, immatureSats: 5000e8 })
      assert.equal(report.key.address, TEST_ADDRESS)
      assert.deepEqual([report.rpc.host, report.rpc.port], ['127.0.0.1', port])
      assert.ok(existsSync(report.rpc.cookie))
      const cli = (...words: string[]): Promise<Ended> => run(['cli', `-datadir=${folder}`, ...words])
      assert.equal((await cli('getblockcount')).out, '101\n')
      assert.equal((await cli('getbestblockhash')).out, `${report.bestBlock}\n`)
      const utxos = JSON.parse((await cli('gettxoutsetinfo')).out)
      assert.equal(utxos.total_amount * 1e8, 50e8 + 5000e8)
    })
    assert.deepEqual([status, err], [0, ''])
    assert.ok(!existsSync(folder))
  })

  it('goes on where it was in a folder that is given', async () => {
    await withFolder(async folder => {
      const port = await freePort()
      const words = ['dev', '--json', '--folder', folder, '--rpc-port', `${port}`, '--blocks', '5']
      const tips: string[] = []
      for (let i = 0; i < 2; i++) {
        const { status } = await whileRunning(words, async line => {
          const report = JSON.parse(line)
          assert.deepEqual([report.height, report.temporary], [5, false])
          assert.deepEqual(report.balance, { spendableSats: 0, immatureSats: 250e8 })
          tips.push(report.bestBlock)
        })
        assert.equal(status, 0)
      }
      assert.equal(tips[0], tips[1])
    })
  })

  it('tells a person the same', async () => {
    const { out } = await whileRunning(['dev', '--rpc-port', `${await freePort()}`, '-b', '1'], async line => {
      assert.match(line, /^peers \d+\.\d+\.\d+ {2}regtest {2}ready in \d+\.\d s$/)
    })
    assert.match(out, /^balance {3}0\.00000000 BTC \(test coins\), 50\.00000000 BTC immature {3}height 1$/m)
    assert.match(out, /^stop {6}Ctrl-C/m)
  })

  it('says what is wrong with a port that is taken', async () => {
    const daemon = await Daemon.create()
    try {
      const client = await daemon.start()
      client.close()
      const port = `${daemon.rpcPort}`
      const { status, err } = await run(['dev', '--rpc-port', port])
      assert.deepEqual(
        [status, err],
        [
          1,
          `error port-taken: port ${port} of this machine is taken\n  next: choose another with --rpc-port, or leave it out\n`,
        ],
      )
      const forPrograms = await run(['dev', '--json', '--rpc-port', port])
      assert.equal(JSON.parse(forPrograms.out).error.code, 'port-taken')
    } finally {
      await daemon.remove()
    }
  })
})

describe('peers start and peers stop', () => {
  it('run a peer and end it in good order', async () => {
    await withFolder(async folder => {
      const port = await freePort()
      const quiet = ['--no-listen', '--connect', '0']
      const words = ['start', '--network', 'regtest', '--folder', folder, '--rpc-port', `${port}`, '--json', ...quiet]
      const { status, err } = await whileRunning(words, async (line, child) => {
        const report = JSON.parse(line)
        assert.deepEqual([report.event, report.network, report.rpc.port], ['ready', 'regtest', port])
        const closed = once(child, 'close')
        // The port stands on the peer's command line alone.
        const lost = await run(['stop', '--network', 'regtest', '--folder', join(folder, 'nowhere')])
        assert.equal(lost.status, 2)
        const stopped = await run(['cli', `-datadir=${folder}`, '-regtest', `-rpcport=${port}`, 'stop'])
        assert.equal(stopped.out, 'Peers stopping\n')
        await closed
      })
      assert.deepEqual([status, err], [0, ''])
      assert.ok(!existsSync(join(folder, 'regtest', '.lock')))
      const { status: none, err: reason } = await run(['stop', '--network', 'regtest', '--folder', folder])
      assert.equal(none, 1)
      assert.match(reason, /^error not-running: /)
    })
  })

  it('finds a development chain by its folder', async () => {
    await withFolder(async folder => {
      const port = `${await freePort()}`
      await whileRunning(['dev', '--folder', folder, '--rpc-port', port, '-b', '0'], async (_, child) => {
        const closed = once(child, 'close')
        const { status, out } = await run(['stop', '--folder', folder])
        assert.deepEqual([status, out], [0, `stopped ${join(folder, 'regtest')}\n`])
        await closed
        assert.equal(child.exitCode, 0)
      })
    })
  })

  it('asks for a network: none is chosen in silence', async () => {
    const { status, err } = await run(['start'])
    assert.equal(status, 2)
    assert.match(err, /required option '-n, --network <name>' not specified/)
  })
})

describe('peers cli', () => {
  it('converts, prints and ends as bitcoin-cli does', async () => {
    const daemon = await Daemon.create()
    try {
      const client = await daemon.start()
      client.close()
      const flags = ['cli', '-regtest', `-datadir=${daemon.folder}`, `-rpcport=${daemon.rpcPort}`]
      const cli = (words: readonly string[], input = ''): Promise<Ended> => run([...flags, ...words], input)
      const show = ({ status, out, err }: Ended): unknown[] => [status, out, err]

      const hash = '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206\n'
      assert.deepEqual(show(await cli(['getblockhash', '0'])), [0, hash, ''])
      assert.deepEqual(show(await cli(['-named', 'getblockhash', 'height=0'])), [0, hash, ''])
      assert.deepEqual(show(await cli(['-stdin', 'getblockhash'], '0\n')), [0, hash, ''])
      assert.deepEqual(show(await cli(['getblockhash', '7'])), [
        8,
        '',
        'error code: -8\nerror message:\nBlock height out of range\n',
      ])
      assert.deepEqual(show(await cli(['getblockhash', 'x'])), [1, '', 'error: Error parsing JSON: x\n'])
      assert.deepEqual(show(await cli(['echojson', '[]', '{"a":[1,2]}', '0.10'])), [
        0,
        '[\n  [\n  ],\n  {\n    "a": [\n      1,\n      2\n    ]\n  },\n  0.10\n]\n',
        '',
      ])
      assert.deepEqual(show(await cli(['setmocktime', '1'])), [0, '', ''])
      assert.deepEqual(show(await cli([])), [1, '', 'error: too few parameters (need at least command)\n'])
      assert.deepEqual(show(await cli(['-bar'])), [
        1,
        '',
        'Error parsing command line arguments: Invalid parameter -bar\n',
      ])
      const wrong = await cli(['-rpccookiefile=/nowhere', 'uptime'])
      assert.equal(wrong.status, 1)
      assert.match(
        wrong.err,
        /^error: Authorization failed: Failed to read cookie file and no rpcpassword was specified\. Configuration file: \(.*\)\n$/,
      )
      const password = await cli(['-stdinrpcpass', '-rpcuser=__cookie__', 'uptime'], 'wrong\n')
      assert.match(password.err, /^error: Authorization failed: Incorrect rpcuser or rpcpassword were specified\./)
    } finally {
      await daemon.remove()
    }
  })

  it('waits for a node that is still to come', async () => {
    const daemon = await Daemon.create()
    try {
      const flags = ['cli', '-regtest', `-datadir=${daemon.folder}`, `-rpcport=${daemon.rpcPort}`]
      const early = await run([...flags, 'getblockcount'])
      assert.equal(early.status, 1)
      assert.match(early.err, /^error: Error while attempting to communicate with server 127\.0\.0\.1:\d+ \(/)
      const late = await run([...flags, '-rpcwait', '-rpcwaittimeout=1', 'getblockcount'])
      assert.match(late.err, /^error: timeout on transient error: /)
      const waiting = run([...flags, '-rpcwait', 'getblockcount'])
      const client = await daemon.start()
      client.close()
      assert.equal((await waiting).out, '0\n')
    } finally {
      await daemon.remove()
    }
  })
})

describe('peers', () => {
  it('finds this machine in good health', async () => {
    const { status, out, err } = await run(['doctor', '--json'])
    assert.deepEqual([status, err], [0, ''])
    const { healthy, findings } = JSON.parse(out)
    assert.equal(healthy, true)
    const names = findings.map((finding: { what: string }) => finding.what)
    assert.deepEqual(names.slice(0, 6), ['node', 'hashes', 'pieces', 'signatures', 'store', 'disk'])
  })

  it('tells wrong usage by exit status 2', async () => {
    for (const words of [[], ['fly'], ['dev', '--blocks', 'many'], ['dev', '--wings']]) {
      const { status, out, err } = await run(words)
      assert.equal(status, 2, words.join(' '))
      assert.equal(out, '')
      assert.notEqual(err, '')
    }
    assert.equal((await run(['--help'])).status, 0)
  })
})
