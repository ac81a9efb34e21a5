import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { RpcClient } from '../../src/rpc/client.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { Daemon, freePort } from '../daemon.ts'
import { type Ended, runNode } from '../run-node.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/programs/peersd.js', import.meta.url))

/** Runs peersd to its end, which it is expected to reach by itself. */
function run(words: readonly string[]): Promise<Ended> {
  return runNode([PROGRAM, ...words])
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'peersd-test-'))
  try {
    await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function withDaemon(body: (daemon: Daemon) => Promise<void>): Promise<void> {
  const daemon = await Daemon.create()
  try {
    await body(daemon)
  } finally {
    await daemon.remove()
  }
}

function logOf(daemon: Daemon): string {
  return readFileSync(join(daemon.folder, 'regtest', 'debug.log'), 'utf8')
}

/** Resolves when the process has ended by itself. */
async function ended(daemon: Daemon): Promise<void> {
  const deadline = performance.now() + 30_000
  while (daemon.isRunning) {
    assert.ok(performance.now() < deadline, 'peersd did not end')
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

describe('peersd', () => {
  it('starts, serves and stops in good order, with nothing on stderr', async () => {
    await withDaemon(async daemon => {
      const client = await daemon.start(['-fallbackfee=0.0002'])
      const folder = join(daemon.folder, 'regtest')
      assert.equal(await client.call('getblockcount'), 0)
      assert.equal(statSync(join(folder, '.cookie')).mode & 0o777, 0o600)
      assert.match(readFileSync(join(folder, '.cookie'), 'utf8'), /^__cookie__:[0-9a-f]{64}$/)
      assert.equal(readFileSync(join(folder, 'bitcoind.pid'), 'utf8'), `${daemon.pid}\n`)
      client.close()
      assert.equal(await daemon.stop(), 0)
      assert.equal(daemon.errorText, '')
      for (const name of ['.cookie', '.lock', 'bitcoind.pid']) assert.ok(!existsSync(join(folder, name)), name)
      const log = logOf(daemon)
      const phrases = ['init message: Loading block index…', 'init message: Done loading']
      const all = ['Peers version v', 'Using data directory', ...phrases, 'Shutdown in progress...', 'Shutdown done']
      let at = 0
      for (const phrase of all) {
        at = log.indexOf(phrase, at)
        assert.notEqual(at, -1, phrase)
      }
      assert.match(log, /Taken without effect: -fallbackfee\n/)
    })
  })

  it('answers the call that stops it, after the time asked for', async () => {
    await withDaemon(async daemon => {
      const client = await daemon.start()
      const before = performance.now()
      assert.equal(await client.call('stop', [300]), 'Peers stopping')
      assert.ok(performance.now() - before >= 295)
      client.close()
      await ended(daemon)
      assert.equal(daemon.errorText, '')
    })
  })

  it('makes cookies that others may read, or none', async () => {
    await withDaemon(async daemon => {
      for (const [readers, mode] of [
        ['group', 0o640],
        ['all', 0o644],
      ] as const) {
        const client = await daemon.start([`-rpccookieperms=${readers}`])
        assert.equal(statSync(join(daemon.folder, 'regtest', '.cookie')).mode & 0o777, mode)
        client.close()
        assert.equal(await daemon.stop(), 0)
      }
      daemon.spawn(['-norpccookiefile', '-rpcuser=alice', '-rpcpassword=secret'])
      const client = new RpcClient({ host: '127.0.0.1', port: daemon.rpcPort, credentials: 'alice:secret' })
      for (let answer: unknown; answer !== 0; ) answer = await client.call('getblockcount').catch(() => undefined)
      client.close()
      assert.ok(!existsSync(join(daemon.folder, 'regtest', '.cookie')))
      assert.equal(await daemon.stop(), 0)
      assert.ok(!logOf(daemon).includes('secret'), 'passwords are not logged')
    })
  })

  it('keeps a second one off its folder, and comes back after a kill', async () => {
    await withDaemon(async daemon => {
      const first = await daemon.start()
      const hashes = await first.call<string[]>('generatetodescriptor', [3, 'raw(51)'])
      const { status, err } = await run(['-regtest', `-datadir=${daemon.folder}`, '-printtoconsole=0'])
      assert.equal(status, 1)
      assert.equal(
        err,
        `Error: Cannot obtain a lock on directory ${daemon.folder}/regtest. Peers is probably already running.\n`,
      )
      first.close()
      await daemon.kill()
      assert.ok(existsSync(join(daemon.folder, 'regtest', '.lock')))
      const second = await daemon.start()
      // It answers before it has connected again what a kill kept from its coins.
      assert.equal((await second.call<{ hash: string }>('waitforblockheight', [3, 10_000])).hash, hashes[2])
      second.close()
      assert.equal(await daemon.stop(), 0)
    })
  })

  it('says -28 while it opens its ledger', async () => {
    await withDaemon(async daemon => {
      const client = await daemon.start()
      await client.call('generatetodescriptor', [300, 'raw(51)'])
      client.close()
      await daemon.stop()
      // All blocks are checked before the ledger is open.
      daemon.spawn(['-checkblocks=0', '-checklevel=4'])
      let warmups = 0
      for (let height: unknown; height !== 300; ) {
        assert.ok(daemon.isRunning, daemon.errorText)
        const early = daemon.client()
        if (early === undefined) {
          await new Promise(resolve => setTimeout(resolve, 1))
          continue
        }
        try {
          height = await early.call('getblockcount')
        } catch (error) {
          if (error instanceof RpcError) {
            assert.deepEqual([error.code, error.message], [-28, 'Loading block index…'])
            warmups++
          }
        } finally {
          early.close()
        }
      }
      assert.ok(warmups > 0)
      assert.equal(await daemon.stop(), 0)
    })
  })

  it('stops at a height, and runs the commands of its owner', async () => {
    await withDaemon(async daemon => {
      const note = (name: string): string => join(daemon.folder, name)
      const client = await daemon.start([
        `-startupnotify=echo up > '${note('up')}'`,
        `-shutdownnotify=echo down > '${note('down')}'`,
        '-stopatheight=2',
      ])
      await client.call('generatetodescriptor', [2, 'raw(51)']).catch(() => undefined)
      client.close()
      await ended(daemon)
      assert.equal(daemon.errorText, '')
      assert.equal(readFileSync(note('up'), 'utf8'), 'up\n')
      assert.equal(readFileSync(note('down'), 'utf8'), 'down\n')
    })
  })

  it('goes to the background and returns when it is ready', async () => {
    await withFolder(async folder => {
      const port = await freePort()
      const words = ['-regtest', `-datadir=${folder}`, `-rpcport=${port}`]
      const started = await run([...words, '-daemonwait'])
      assert.deepEqual([started.status, started.out, started.err], [0, 'Peers starting\n', ''])
      const pid = Number(readFileSync(join(folder, 'regtest', 'bitcoind.pid'), 'utf8'))
      try {
        const credentials = readFileSync(join(folder, 'regtest', '.cookie'), 'utf8')
        const client = new RpcClient({ host: '127.0.0.1', port, credentials })
        assert.equal(await client.call('getblockcount'), 0)
        const again = await run([...words, '-daemonwait'])
        assert.equal(again.status, 1)
        assert.match(again.err, /^Error: Cannot obtain a lock on directory /)
        await client.call('stop')
        client.close()
        while (existsSync(join(folder, 'regtest', '.lock'))) await new Promise(resolve => setTimeout(resolve, 5))
      } finally {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended, as it should.
        }
      }
    })
  })
})

describe('peersd is told what it cannot do', () => {
  const cases: readonly (readonly [words: readonly string[], error: string])[] = [
    [['-foo'], 'Error parsing command line arguments: Invalid parameter -foo'],
    [['-regtest.port=1'], 'Error parsing command line arguments: Invalid parameter -regtest.port=1'],
    [
      ['-nodatadir'],
      'Error parsing command line arguments: Negating of -datadir is meaningless and therefore forbidden',
    ],
    [
      ['-loglevel'],
      'Error parsing command line arguments: Can not set -loglevel with no value. Please specify value with -loglevel=value.',
    ],
    [
      ['-includeconf=x'],
      'Error parsing command line arguments: -includeconf cannot be used from commandline; -includeconf="x"',
    ],
    [['-chain=village'], 'Unknown chain village.'],
    [
      ['-regtest', '-signet'],
      'Invalid combination of -regtest, -signet, -testnet, -testnet4 and -chain. Can use at most one.',
    ],
    [['-regtest', 'start'], "Command line contains unexpected token 'start', see bitcoind -h for a list of options."],
    [['-regtest', '-prune=-1'], 'Prune cannot be configured with a negative value.'],
    [['-regtest', '-prune=549'], 'Prune configured below the minimum of 550 MiB.  Please use a higher number.'],
    [['-regtest', '-debug=abc'], 'Unsupported logging category -debug=abc.'],
    [['-regtest', '-rpcport=0'], "Invalid port specified in -rpcport: '0'"],
    [
      ['-regtest', '-assumevalid=xyz'],
      'Invalid assumevalid block hash specified (xyz), must be up to 64 hex digits (or 0 to disable)',
    ],
    [['-regtest', '-testactivationheight=segwit'], 'Invalid format (segwit) for -testactivationheight=name@height.'],
    [
      ['-regtest', '-vbparams=testdummy:1'],
      'Version bits parameters malformed, expecting deployment:start:end[:min_activation_height]',
    ],
    [['-regtest', '-rest'], '-rest is not supported yet; remove it, or set -norest'],
    [['-regtest', '-blocksdir=/nowhere'], 'Specified blocks directory "/nowhere" does not exist.'],
  ]
  for (const [words, error] of cases) {
    it(words.join(' '), async () => {
      await withFolder(async folder => {
        const datadir = words[0] === '-nodatadir' ? [] : [`-datadir=${folder}`]
        const { status, out, err } = await run([...datadir, ...words])
        assert.deepEqual([status, out, err], [1, '', `Error: ${error}\n`])
      })
    })
  }

  it('a data folder that is not there', async () => {
    const { status, err } = await run(['-datadir=/nowhere/at/all'])
    assert.deepEqual([status, err], [1, 'Error: Specified data directory "/nowhere/at/all" does not exist.\n'])
  })

  it('an address that another listens on', async () => {
    await withDaemon(async daemon => {
      const client = await daemon.start()
      client.close()
      await withFolder(async folder => {
        const words = ['-regtest', `-datadir=${folder}`, `-rpcport=${daemon.rpcPort}`, '-printtoconsole=0']
        const { status, err } = await run(words)
        assert.equal(status, 1)
        assert.equal(err, 'Error: Unable to start HTTP server. See debug log for details.\n')
        const log = readFileSync(join(folder, 'regtest', 'debug.log'), 'utf8')
        assert.match(log, /Unable to bind any endpoint for RPC server .*-rpcport/)
        assert.ok(!existsSync(join(folder, 'regtest', '.cookie')))
        assert.ok(!existsSync(join(folder, 'regtest', '.lock')))
      })
    })
  })
})

describe('peersd reads its configuration file', () => {
  async function failure(conf: string, words: readonly string[] = []): Promise<string> {
    let text = ''
    await withFolder(async folder => {
      writeFileSync(join(folder, 'bitcoin.conf'), conf)
      const { status, err } = await run([`-datadir=${folder}`, ...words])
      assert.equal(status, 1)
      text = err.replaceAll(folder, '<folder>')
    })
    return text
  }

  it('refuses what it cannot understand', async () => {
    const read = 'Error: Error reading configuration file: '
    assert.equal(
      await failure('regtest=1\n-server=1\n'),
      `${read}parse error on line 2: -server=1, options in configuration file must be specified without leading -\n`,
    )
    assert.equal(
      await failure('nolisten\n'),
      `${read}parse error on line 1: nolisten, if you intended to specify a negated option, use nolisten=1 instead\n`,
    )
    assert.equal(
      await failure('conf=other.conf\n'),
      `${read}conf cannot be set in the configuration file; use includeconf= if you want to include additional config files\n`,
    )
    assert.equal(
      await failure('regtest=1\nrpcport=1\n'),
      'Error: Config setting for -rpcport only applied on regtest network when in [regtest] section.\n\n',
    )
    assert.equal(
      await failure('regtest=1\nincludeconf=more.conf\n'),
      `${read}Failed to include configuration file more.conf\n`,
    )
  })

  it('takes the file that test suites made for bitcoind write, and their flags', async () => {
    await withFolder(async folder => {
      const port = await freePort()
      const lines = [
        'regtest=1',
        '[regtest]',
        `port=${await freePort()}`,
        `rpcport=${port}`,
        ...['rpcservertimeout=99000', 'rpcdoccheck=1', 'rpcthreads=2', 'fallbackfee=0.0002', 'server=1', 'keypool=1'],
        ...['discover=0', 'dnsseed=0', 'fixedseeds=0', 'listenonion=0', 'peertimeout=999999999', 'printtoconsole=0'],
        ...['natpmp=0', 'shrinkdebugfile=0', 'unsafesqlitesync=1', 'connect=0', 'maxconnections=94', 'par=2'],
        'prevoutfetchthreads=1',
        'includeconf=more.conf',
      ]
      writeFileSync(join(folder, 'bitcoin.conf'), `${lines.join('\n')}\n`)
      writeFileSync(join(folder, 'more.conf'), '[regtest]\nuacomment=more\n[village]\n')
      const flags = [
        ...[`-datadir=${folder}`, '-logtimemicros', '-debug', '-debugexclude=libevent', '-debugexclude=leveldb'],
        ...['-debugexclude=rand', '-uacomment=testnode0', '-disablewallet', '-logthreadnames', '-logsourcelocations'],
        ...['-loglevel=trace', '-nologratelimit', '-v2transport=1', '-bind=127.0.0.1', '-daemonwait'],
      ]
      const { status, err } = await run(flags)
      assert.deepEqual([status, err], [0, 'Warning: more.conf:3 Section [village] is not recognized.\n\n'])
      const pid = Number(readFileSync(join(folder, 'regtest', 'bitcoind.pid'), 'utf8'))
      try {
        const log = readFileSync(join(folder, 'regtest', 'debug.log'), 'utf8')
        assert.match(log, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \[main\] \[.*:\d+\] \[\w+\] Peers version/m)
        assert.match(log, new RegExp(`Config file arg: \\[regtest\\] rpcport="${port}"`))
        assert.match(log, /Command-line arg: uacomment="testnode0"/)
        assert.match(log, /Taken without effect: .*-fallbackfee/)
        const credentials = readFileSync(join(folder, 'regtest', '.cookie'), 'utf8')
        const client = new RpcClient({ host: '127.0.0.1', port, credentials })
        await client.call('stop')
        client.close()
        while (existsSync(join(folder, 'regtest', '.lock'))) await new Promise(resolve => setTimeout(resolve, 5))
      } finally {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has ended, as it should.
        }
      }
    })
  })

  it('knows its version and its flags', async () => {
    const version = await run(['-version'])
    assert.match(version.out, /^Peers daemon version v\d+\.\d+\.\d+\n$/)
    const help = await run(['-help'])
    assert.match(help.out, /-datadir=<dir>/)
    assert.deepEqual([version.status, help.status, help.err], [0, 0, ''])
  })

  it('leaves a folder of its own in the block folder that it is given', async () => {
    await withDaemon(async daemon => {
      const blocks = join(daemon.folder, 'elsewhere')
      mkdirSync(blocks)
      const client = await daemon.start([`-blocksdir=${blocks}`, '-blocksxor=0'])
      await client.call('generatetodescriptor', [1, 'raw(51)'])
      client.close()
      assert.equal(await daemon.stop(), 0)
      assert.ok(existsSync(join(blocks, 'regtest', 'blocks', 'blk00000.dat')))
    })
  })
})
