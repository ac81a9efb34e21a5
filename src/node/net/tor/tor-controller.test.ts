import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keptLog, until } from '../../../../test/net-shell.ts'
import { TorServer } from '../../../../test/tor-server.ts'
import { hex } from '../../../base/bytes/bytes.ts'
import { OperationError } from '../../../base/errors.ts'
import type { SocketAddress } from '../../../base/ports/net.ts'
import { seededRandom } from '../../../base/ports/seeded-random.ts'
import { formatNetEndpoint, parseNetEndpoint } from '../../../bitcoin/wire/net-address-text.ts'
import { nodeNet } from '../../../platform/node-net.ts'
import { MemoryFiles } from '../../../sim/memory-files.ts'
import { TorController, type TorControllerOptions } from './tor-controller.ts'

const TIMEOUT = { timeout: 30_000 }
const SERVICE = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd'

/** A Tor that lets everybody in. */
function easyTor(command: string): string {
  if (command === 'PROTOCOLINFO 1') {
    return '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.9.1"\r\n250 OK\r\n'
  }
  if (command === 'AUTHENTICATE') return '250 OK\r\n'
  if (command.startsWith('GETINFO')) return '250-net/listeners/socks="127.0.0.1:9999"\r\n250 OK\r\n'
  if (command.startsWith('ADD_ONION NEW:')) {
    return `250-ServiceID=${SERVICE}\r\n250-PrivateKey=ED25519-V3:secret\r\n250 OK\r\n`
  }
  if (command.startsWith('ADD_ONION ')) return `250-ServiceID=${SERVICE}\r\n250 OK\r\n`
  return '510 Unrecognized command\r\n'
}

interface Running {
  readonly tor: TorServer
  readonly told: string[]
  readonly lines: string[]
  readonly files: MemoryFiles
  end(): Promise<void>
}

async function running(
  answer: (command: string) => string | undefined,
  options: Partial<TorControllerOptions> = {},
): Promise<Running> {
  const tor = new TorServer(answer)
  const port = await tor.listen()
  const { log, lines } = keptLog()
  const told: string[] = []
  const files = new MemoryFiles()
  const controller = new TorController({
    net: nodeNet,
    files,
    random: seededRandom(3),
    log,
    control: { host: '127.0.0.1', port },
    controlText: `127.0.0.1:${port}`,
    password: '',
    readCookie: () => {
      throw new OperationError('file-missing', 'no cookie')
    },
    servicePort: 8333,
    target: parseNetEndpoint('127.0.0.1:8334', 0)!,
    findsProxy: true,
    onProxy: ({ host, port }: SocketAddress) => told.push(`proxy ${host} ${port}`),
    onService: endpoint => told.push(`service ${formatNetEndpoint(endpoint)}`),
    onServiceGone: endpoint => told.push(`gone ${formatNetEndpoint(endpoint)}`),
    ...options,
  })
  const finished = controller.run()
  const end = async (): Promise<void> => {
    controller.stop()
    await finished
    await tor.close()
  }
  return { tor, told, lines, files, end }
}

test('a service is made, its key kept, and Tor found to be a proxy', TIMEOUT, async () => {
  const { tor, told, lines, files, end } = await running(easyTor)
  await until(() => told.length === 2)
  assert.deepEqual(tor.commands, [
    'PROTOCOLINFO 1',
    'AUTHENTICATE',
    'GETINFO net/listeners/socks',
    'ADD_ONION NEW:ED25519-V3 PoWDefensesEnabled=1 Port=8333,127.0.0.1:8334',
  ])
  assert.deepEqual(told, ['proxy 127.0.0.1 9999', `service ${SERVICE}.onion:8333`])
  assert.equal(new TextDecoder().decode(files.read('onion_v3_private_key')), 'ED25519-V3:secret')
  for (const line of [
    'Connected to Tor version 0.4.9.1',
    'Authentication successful',
    'Configuring onion proxy for 127.0.0.1:9999',
    'ADD_ONION successful (PoW defenses enabled)',
    `Got tor service ID ${SERVICE}, advertising service ${SERVICE}.onion:8333`,
  ]) {
    assert.ok(lines.includes(line), line)
  }
  // Tor goes and comes: the service goes, and comes with the same key.
  tor.commands.length = 0
  tor.hangUp()
  await until(() => told.length === 5)
  assert.deepEqual(told.slice(2), [
    `gone ${SERVICE}.onion:8333`,
    'proxy 127.0.0.1 9999',
    `service ${SERVICE}.onion:8333`,
  ])
  assert.equal(tor.commands[3], 'ADD_ONION ED25519-V3:secret PoWDefensesEnabled=1 Port=8333,127.0.0.1:8334')
  await end()
  assert.equal(told.at(-1), `gone ${SERVICE}.onion:8333`)
})

test(
  'a Tor without defenses is asked again without, and its proxy is not wanted where one is set',
  TIMEOUT,
  async () => {
    const answer = (command: string): string =>
      command.includes('PoWDefensesEnabled') ? '512 Unrecognized option\r\n' : easyTor(command)
    const { tor, told, end } = await running(answer, { findsProxy: false })
    await until(() => told.length === 1)
    assert.deepEqual(tor.commands.slice(2), [
      'ADD_ONION NEW:ED25519-V3 PoWDefensesEnabled=1 Port=8333,127.0.0.1:8334',
      'ADD_ONION NEW:ED25519-V3 Port=8333,127.0.0.1:8334',
    ])
    await end()
  },
)

const COOKIE = hex('11'.repeat(32))

test('the cookie is proved and not told, and a Tor that does not know it is not believed', TIMEOUT, async () => {
  const methods =
    '250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE,SAFECOOKIE,HASHEDPASSWORD COOKIEFILE="/c\\\\d"\r\n250 OK\r\n'
  const read: string[] = []
  const { tor, lines, end } = await running(
    command => {
      if (command === 'PROTOCOLINFO 1') return methods
      return `250 AUTHCHALLENGE SERVERHASH=${'00'.repeat(32)} SERVERNONCE=${'22'.repeat(32)}\r\n`
    },
    {
      readCookie: path => {
        read.push(path)
        return COOKIE
      },
    },
  )
  await until(() => lines.includes('tor: ServerHash does not match the expected ServerHash'))
  assert.deepEqual(read, ['/c\\d'])
  assert.equal(tor.commands.length, 2)
  assert.match(tor.commands[1], /^AUTHCHALLENGE SAFECOOKIE [0-9a-f]{64}$/)
  assert.ok(tor.commands.every(command => !command.includes('11'.repeat(32))))
  await end()
})

test('what stands in the way is said', TIMEOUT, async () => {
  const offer = (methods: string) => (command: string) =>
    command === 'PROTOCOLINFO 1' ? `250-AUTH METHODS=${methods}\r\n250 OK\r\n` : '515 no\r\n'
  const cases: readonly [string, Partial<TorControllerOptions>, string][] = [
    [
      'HASHEDPASSWORD',
      {},
      'The only supported authentication mechanism left is password, but no password provided with -torpassword',
    ],
    [
      'NULL',
      { password: 'x' },
      'Password provided with -torpassword, but HASHEDPASSWORD authentication is not available',
    ],
    ['HASHEDPASSWORD', { password: 'a"b' }, 'Authentication failed'],
    ['SAFECOOKIE', {}, 'Authentication cookie  could not be opened (check permissions)'],
    [
      'SAFECOOKIE',
      { readCookie: () => new Uint8Array(31) },
      'Authentication cookie  is not exactly 32 bytes, as is required by the spec',
    ],
    ['SAFECOOKIE', { readCookie: () => COOKIE }, 'SAFECOOKIE authentication challenge failed'],
    ['OTHER', {}, 'No supported authentication method'],
  ]
  for (const [methods, options, message] of cases) {
    const { tor, lines, end } = await running(offer(methods), options)
    await until(() => lines.includes(`tor: ${message}`))
    if (options.password === 'a"b') assert.equal(tor.commands[1], 'AUTHENTICATE "a\\"b"')
    assert.equal(tor.connections, 1, 'the connection stays')
    await end()
  }
})

test('answers come in pieces, and those without an end or without measure are not waited for', TIMEOUT, async () => {
  const { tor, lines, end } = await running(() => undefined)
  await until(() => tor.commands.length === 1)
  tor.say('650 SOMETHING HAPPENED\r\n250-AUTH METHODS=NULL\r\n250 O')
  tor.say('K\r\n')
  await until(() => tor.commands.length === 2)
  tor.say(`250-${'A'.repeat(100_000 - 5)}\r\n`)
  tor.say('250 OK\r\n')
  await until(() => tor.commands.length === 3)
  tor.say(`250-${'A'.repeat(100_000 - 4)}\r\n`)
  await until(() => tor.commands.length === 4)
  assert.equal(tor.commands[3], 'PROTOCOLINFO 1')
  tor.say(`${'250-Continuing\r\n'.repeat(999)}250 OK\r\n`)
  await until(() => lines.includes('tor: No supported authentication method'))
  tor.say('250-Continuing\r\n'.repeat(1001))
  await until(() => tor.commands.length === 5)
  assert.equal(tor.commands[4], 'PROTOCOLINFO 1')
  await end()
})

test('a Tor that is not there is tried again', TIMEOUT, async () => {
  const { tor, told, lines, end } = await running(easyTor, { control: { host: '127.0.0.1', port: 1 } })
  await until(() => lines.includes('Retrying in 1.0 seconds'))
  await until(() => lines.includes('Retrying in 1.5 seconds'))
  assert.equal(tor.commands.length, 0)
  assert.deepEqual(told, [])
  await end()
})
