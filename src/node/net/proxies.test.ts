import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NetShell, until } from '../../../test/net-shell.ts'
import { Socks5Server, type Socks5ServerOptions } from '../../../test/socks5-server.ts'
import { asCjdns } from '../../bitcoin/wire/net-address.ts'
import { parseNetEndpoint } from '../../bitcoin/wire/net-address-text.ts'
import { nodeNet } from '../../platform/node-net.ts'
import { nodeRandom } from '../../platform/node-random.ts'
import { UNKNOWN_ENDPOINT } from './endpoints.ts'
import { Proxies, type ProxyOptions, type ProxyServer, proxyText } from './proxies.ts'
import { readProxyOptions } from './proxy-options.ts'

const TIMEOUT = { timeout: 30_000 }
const ONION = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion'

async function serverOf(options: Socks5ServerOptions = {}): Promise<{ socks: Socks5Server; proxy: ProxyServer }> {
  const socks = new Socks5Server(options)
  const port = await socks.listen()
  return { socks, proxy: { server: { host: '127.0.0.1', port }, isolatesStreams: true } }
}

function shellWith(options: ProxyOptions, dialing: { cjdnsReachable?: boolean } = {}): NetShell {
  const net = { ...nodeNet, resolve: () => Promise.reject(new Error('a name was looked up')) }
  return new NetShell({}, 'v1+v2', { net, proxies: new Proxies(options, nodeRandom), ...dialing })
}

test('connections of every network go through its proxy, with credentials of their own', TIMEOUT, async () => {
  const one = await serverOf({ wantsPassword: true })
  const two = await serverOf({ wantsPassword: true })
  const alice = shellWith({
    networks: { ipv4: one.proxy, ipv6: one.proxy, onion: two.proxy, cjdns: one.proxy },
    names: one.proxy,
  })
  const cjdns = parseNetEndpoint('[fc00:1:2:3:4:5:6:7]:8888', 0)!
  const targets = [
    parseNetEndpoint('15.61.23.23:1234', 0)!,
    parseNetEndpoint('[1233:3432:2434:2343:3234:2345:6546:4534]:5443', 0)!,
    parseNetEndpoint(`${ONION}:8333`, 0)!,
    { ...cjdns, address: asCjdns(cjdns.address) },
    { name: 'node.noumenon', port: 8333 },
  ]
  for (const target of targets) {
    const opened = await alice.first('opened', alice.connect(target, 'v1'))
    assert.equal(opened.local, undefined)
    if ('address' in target) assert.deepEqual(opened.remote, target)
    else assert.deepEqual(opened.remote, UNKNOWN_ENDPOINT)
  }
  const commands = [...one.socks.commands, ...two.socks.commands]
  assert.ok(commands.every(({ command, addressType }) => command === 1 && addressType === 3))
  assert.deepEqual(
    commands.map(({ host, port }) => `${host} ${port}`),
    [
      '15.61.23.23 1234',
      '1233:3432:2434:2343:3234:2345:6546:4534 5443',
      'fc00:1:2:3:4:5:6:7 8888',
      'node.noumenon 8333',
      `${ONION} 8333`,
    ],
  )
  assert.equal(new Set(commands.map(({ username }) => username)).size, 5)
  assert.ok(commands.every(({ username, password }) => username === password && /^[0-9a-f]{16}-\d$/.test(username!)))
  assert.ok(alice.lines.includes(`Using proxy: ${proxyText(one.proxy)} to connect to 15.61.23.23:1234`))
  await alice.stop()
  one.socks.close()
  two.socks.close()
})

test('nothing is looked up where a proxy does it', TIMEOUT, async () => {
  const { socks, proxy } = await serverOf()
  const alice = shellWith({ networks: {}, names: proxy })
  alice.apply({ type: 'resolve', name: 'seed.example', port: 8333 })
  assert.deepEqual((await alice.first('resolved')).addresses, [])
  await alice.stop()
  socks.close()
})

test('a proxy without passwords gets none, and one for others is not asked for this machine', TIMEOUT, async () => {
  const bob = new NetShell()
  const at = await bob.listen()
  const { socks, proxy } = await serverOf()
  const alice = shellWith({ networks: { ipv4: { ...proxy, isolatesStreams: false } }, names: proxy })
  await alice.first('opened', alice.connect(at, 'v1'))
  assert.equal(socks.commands.length, 0)
  await alice.first('opened', alice.connect(parseNetEndpoint('15.61.23.23:1', 0)!, 'v1'))
  assert.equal(socks.commands[0].username, undefined)
  await alice.stop()
  await bob.stop()
  socks.close()
})

test('peers talk through a proxy, and what comes with its answer is not lost', TIMEOUT, async () => {
  for (const protocol of ['v1', 'v2'] as const) {
    const bob = new NetShell()
    const { socks, proxy } = await serverOf({ leadsTo: { host: '127.0.0.1', port: (await bob.listen()).port } })
    const alice = shellWith({ networks: { onion: proxy }, names: undefined })
    const id = alice.connect(parseNetEndpoint(`${ONION}:8333`, 0)!, protocol)
    await alice.first('opened', id)
    alice.send(id, 'version', new Uint8Array(100))
    alice.send(id, 'block', new Uint8Array(1_000_000))
    await until(() => bob.all('message').length === 2)
    assert.equal(bob.all('transport')[0].protocol, protocol)
    await alice.stop()
    await bob.stop()
    socks.close()
  }
  // A peer that answers before it is asked: its first bytes arrive together with the proxy's last.
  const greeting = Buffer.from('fabfb5da76657261636b000000000000000000005df6e0e2', 'hex')
  const { socks, proxy } = await serverOf({ greeting })
  const alice = shellWith({ networks: { onion: proxy }, names: undefined })
  const id = alice.connect(parseNetEndpoint(`${ONION}:8333`, 0)!, 'v1')
  assert.equal((await alice.first('message', id)).command, 'verack')
  await alice.stop()
  socks.close()
})

test('what proxies refuse is said in words, and a proxy that is away is told apart', TIMEOUT, async () => {
  const cases: readonly [Socks5ServerOptions, string][] = [
    [{ status: 5 }, 'Socks5() connect to 15.61.23.23:1 failed: connection refused'],
    [{ status: 0xf0 }, 'Socks5() connect to 15.61.23.23:1 failed: onion service descriptor can not be found'],
    [{ status: 0x77 }, 'Socks5() connect to 15.61.23.23:1 failed: unknown (0x77)'],
    [{ wantsPassword: true, passwordStatus: 1 }, 'Proxy authentication unsuccessful'],
    [{ script: [Uint8Array.of(4, 0)] }, 'Proxy failed to initialize'],
    [{ script: [Uint8Array.of(5, 255)] }, 'Proxy requested wrong authentication method ff'],
    [{ script: [Uint8Array.of(5, 0), Uint8Array.of(4, 0, 0, 1)] }, 'Proxy failed to accept request'],
    [{ script: [Uint8Array.of(5, 0), Uint8Array.of(5, 0, 1, 1)] }, 'Error: malformed proxy response'],
    [{ script: [Uint8Array.of(5, 0), Uint8Array.of(5, 0, 0, 9)] }, 'Error: malformed proxy response'],
  ]
  for (const [options, line] of cases) {
    const { socks, proxy } = await serverOf(options)
    const alice = shellWith({ networks: { ipv4: proxy }, names: undefined })
    const { reason } = await alice.first('closed', alice.connect(parseNetEndpoint('15.61.23.23:1', 0)!, 'v1'))
    assert.equal(reason, 'unreachable')
    assert.ok(alice.lines.includes(line), line)
    await alice.stop()
    socks.close()
  }
  const { socks, proxy } = await serverOf()
  socks.close()
  const alice = shellWith({ networks: { ipv4: proxy }, names: undefined })
  const { reason } = await alice.first('closed', alice.connect(parseNetEndpoint('15.61.23.23:1', 0)!, 'v1'))
  assert.equal(reason, 'proxy-unreachable')
  await alice.stop()
})

test('a proxy may be a socket of the file system', { ...TIMEOUT, skip: process.platform === 'win32' }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'peers-proxy-'))
  const path = join(folder, 's')
  const socks = new Socks5Server({})
  await socks.listen(path)
  const flags = { proxy: [`unix:${path}`], onion: '', proxyRandomize: true }
  const options = await readProxyOptions(flags, () => Promise.reject(new Error('a name was looked up')))
  assert.equal(proxyText(options.networks.onion!), `unix:${path}`)
  const alice = shellWith(options)
  await alice.first('opened', alice.connect(parseNetEndpoint('15.61.23.23:1', 0)!, 'v1'))
  assert.equal(socks.commands[0].host, '15.61.23.23')
  await alice.stop()
  socks.close()
  rmSync(folder, { recursive: true })
})

const resolveNone = (): Promise<readonly string[]> => Promise.resolve([])

async function proxiesOf(proxy: string[], onion = ''): Promise<Record<string, string>> {
  const options = await readProxyOptions({ proxy, onion, proxyRandomize: true }, resolveNone)
  const texts = Object.entries(options.networks).map(([network, each]) => [network, proxyText(each)])
  return Object.fromEntries(options.names === undefined ? texts : [...texts, ['names', proxyText(options.names)]])
}

test('flags say which proxy leads where', async () => {
  const all = (at: string) => ({ ipv4: at, ipv6: at, onion: at, cjdns: at, names: at })
  assert.deepEqual(await proxiesOf([]), {})
  assert.deepEqual(await proxiesOf(['127.0.0.1']), all('127.0.0.1:9050'))
  assert.deepEqual(await proxiesOf(['[::1]:5']), all('[::1]:5'))
  assert.deepEqual(await proxiesOf(['127.1.1.1:1', '127.2.2.2:2=onion']), {
    ...all('127.1.1.1:1'),
    onion: '127.2.2.2:2',
  })
  assert.deepEqual(await proxiesOf(['127.6.6.6:6=IPv6']), { ipv6: '127.6.6.6:6', names: '127.6.6.6:6' })
  assert.deepEqual(await proxiesOf(['127.1.1.1:1', '0']), {})
  assert.deepEqual(await proxiesOf(['127.1.1.1:1'], '127.3.3.3:3'), { ...all('127.1.1.1:1'), onion: '127.3.3.3:3' })
  const { cjdns: _, ...others } = all('127.1.1.1:1')
  assert.deepEqual(await proxiesOf(['127.1.1.1:1', '0=cjdns']), others)
  const { onion: __, ...noOnion } = all('127.1.1.1:1')
  assert.deepEqual(await proxiesOf(['127.1.1.1:1'], '0'), noOnion)
})

test('flags that make no sense are refused in the words of bitcoind', async () => {
  const cases: readonly [string[], string, string][] = [
    [['abc..abc:23456'], '', "Invalid -proxy address or hostname: 'abc..abc:23456'"],
    [['192.0.0.1:def'], '', "Invalid port specified in -proxy: '192.0.0.1:def'"],
    [[], 'xyz..xyz:23456', "Invalid -onion address or hostname: 'xyz..xyz:23456'"],
    [[], '192.0.0.1:def', "Invalid port specified in -onion: '192.0.0.1:def'"],
    [['127.0.0.1:9050='], '', "Invalid -proxy address or hostname, ends with '=': '127.0.0.1:9050='"],
    [['127.0.0.1:9050=foo'], '', "Unrecognized network in -proxy='127.0.0.1:9050=foo': 'foo'"],
    [[`unix:${'x'.repeat(1000)}`], '', `Invalid -proxy address or hostname: 'unix:${'x'.repeat(1000)}'`],
  ]
  for (const [proxy, onion, message] of cases) {
    await assert.rejects(proxiesOf(proxy, onion), { code: 'bad-option', message })
  }
})
