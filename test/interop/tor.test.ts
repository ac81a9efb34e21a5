import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatNetEndpoint, parseNetEndpoint } from '../../src/bitcoin/wire/net-address-text.ts'
import { TorController } from '../../src/node/net/tor/tor-controller.ts'
import { NodeFiles } from '../../src/platform/node-files.ts'
import { nodeNet } from '../../src/platform/node-net.ts'
import { nodeRandom } from '../../src/platform/node-random.ts'
import { keptLog, until } from '../net-shell.ts'
import { Program, skipUnlessRuns } from './programs.ts'

const TOR = 'tor'
const skip = skipUnlessRuns(TOR, ['--version'], 'tor')
const PASSWORD = 'a "quoted" pass\\word'

/** A real Tor in a folder of its own. Its connections begin at 127.0.0.1, from where none leads outside. */
class RealTor {
  readonly #program: Program
  port = 0

  constructor(folder: string, settings: readonly string[]) {
    this.#program = new Program(TOR, [
      ...['--ignore-missing-torrc', '-f', join(folder, 'no-torrc'), '--defaults-torrc', join(folder, 'no-defaults')],
      ...[
        '--DataDirectory',
        join(folder, 'tor'),
        '--OutboundBindAddress',
        '127.0.0.1',
        '--SocksPort',
        '127.0.0.1:auto',
      ],
      ...['--ControlPort', '127.0.0.1:auto'],
      ...['--Log', 'notice stdout', ...settings],
    ])
  }

  async started(): Promise<void> {
    await this.#program.line(line => line.includes('Opened Control listener'))
    const line = await this.#program.line(text => text.includes('Control listener listening on port'))
    this.port = Number(/port (\d+)/.exec(line)![1])
  }

  stop(): Promise<void> {
    return this.#program.stop()
  }
}

/** What one session with Tor told. */
async function session(
  folder: string,
  settings: readonly string[],
  password: string,
): Promise<{ told: string[]; lines: string[] }> {
  const tor = new RealTor(folder, settings)
  const { log, lines } = keptLog()
  const told: string[] = []
  try {
    await tor.started()
    const controller = new TorController({
      net: nodeNet,
      files: new NodeFiles(folder),
      random: nodeRandom,
      log,
      control: { host: '127.0.0.1', port: tor.port },
      controlText: `127.0.0.1:${tor.port}`,
      password,
      readCookie: path => new Uint8Array(readFileSync(path)),
      servicePort: 18444,
      target: parseNetEndpoint('127.0.0.1:18445', 0)!,
      findsProxy: true,
      onProxy: ({ host, port }) => told.push(`proxy ${host}:${port}`),
      onService: endpoint => told.push(formatNetEndpoint(endpoint)),
      onServiceGone: endpoint => told.push(`gone ${formatNetEndpoint(endpoint)}`),
    })
    const finished = controller.run()
    await until(() => told.length === 2 || lines.includes('tor: Authentication failed'))
    controller.stop()
    await finished
  } finally {
    await tor.stop()
  }
  return { told, lines }
}

test('a real Tor gives an onion service, by cookie and by password, and it stays the same', {
  skip,
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'peers-tor-'))
  try {
    const first = await session(folder, ['--CookieAuthentication', '1'], '')
    assert.ok(first.lines.includes('SAFECOOKIE authentication challenge successful'))
    assert.ok(first.lines.includes('Authentication successful'))
    assert.match(first.told[0], /^proxy 127\.0\.0\.1:\d+$/)
    assert.match(first.told[1], /^[a-z2-7]{56}\.onion:18444$/)
    assert.equal(first.told[2], `gone ${first.told[1]}`)
    const key = readFileSync(join(folder, 'onion_v3_private_key'), 'utf8')
    assert.match(key, /^ED25519-V3:[0-9A-Za-z+/=]+$/)
    assert.equal(statSync(join(folder, 'onion_v3_private_key')).mode & 0o777, 0o600)

    const hashed = spawnSync(TOR, ['--quiet', '--hash-password', PASSWORD], { encoding: 'utf8' }).stdout.trim()
    assert.match(hashed, /^16:/)
    const settings = ['--CookieAuthentication', '0', '--HashedControlPassword', hashed]
    const second = await session(folder, settings, PASSWORD)
    assert.ok(second.lines.includes('Using HASHEDPASSWORD authentication'))
    assert.equal(second.told[1], first.told[1])
    assert.equal(readFileSync(join(folder, 'onion_v3_private_key'), 'utf8'), key)

    const third = await session(folder, settings, 'wrong')
    assert.deepEqual(third.told, [])
    assert.ok(third.lines.includes('tor: Authentication failed'))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
