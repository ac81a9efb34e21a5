import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keptLog, NetShell, until } from '../../../test/net-shell.ts'
import { makeDestination, SamServer } from '../../../test/sam-server.ts'
import { TorServer } from '../../../test/tor-server.ts'
import { formatNetEndpoint, parseNetEndpoint } from '../../bitcoin/wire/net-address-text.ts'
import { nodeNet } from '../../platform/node-net.ts'
import { nodeRandom } from '../../platform/node-random.ts'
import { MemoryFiles } from '../../sim/memory-files.ts'
import { NetworkHelpers, type NetworkHelpersContext, type NetworkHelpersOptions } from './network-helpers.ts'
import { NO_PROXIES, Proxies, proxyText } from './proxies.ts'

const TIMEOUT = { timeout: 30_000 }
const SERVICE = 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd'
const NONE: NetworkHelpersOptions = { tor: undefined, i2p: undefined, mappedPort: undefined }

function contextWith(proxies: Proxies): NetworkHelpersContext {
  return {
    net: nodeNet,
    random: nodeRandom,
    log: keptLog().log,
    files: new MemoryFiles(),
    proxies,
    resolve: () => Promise.resolve([]),
    servicePort: 8333,
    readCookie: () => assert.fail(),
    ask: () => assert.fail(),
    gateways: () => ({ ipv4: undefined, ipv6: undefined }),
  }
}

test('what Tor and I2P open reaches the core, and ends with the helpers', TIMEOUT, async () => {
  const tor = new TorServer(command => {
    if (command.startsWith('PROTOCOLINFO')) return '250-AUTH METHODS=NULL\r\n250 OK\r\n'
    if (command.startsWith('GETINFO')) return '250-net/listeners/socks="127.0.0.1:9999"\r\n250 OK\r\n'
    return `250-ServiceID=${SERVICE}\r\n250 OK\r\n`
  })
  const sam = new SamServer()
  const proxies = new Proxies(NO_PROXIES, nodeRandom)
  const options: NetworkHelpersOptions = {
    tor: {
      control: `127.0.0.1:${await tor.listen()}`,
      password: '',
      findsProxy: true,
      reachesOnion: true,
      target: parseNetEndpoint('127.0.0.1:8334', 0)!,
    },
    i2p: { sam: `127.0.0.1:${await sam.listen()}`, acceptsIncoming: true },
    mappedPort: 8333,
  }
  const helpers = await NetworkHelpers.prepare(options, contextWith(proxies))
  const shell = new NetShell({}, 'none', { proxies, i2p: helpers.i2p })
  helpers.start(shell.connections)
  await until(() => shell.all('localAddress').length === 2 && sam.accepting === 1)
  assert.deepEqual(await shell.first('networkReachable'), { type: 'networkReachable', network: 'onion' })
  assert.equal(proxyText(proxies.forNetwork('onion')!), '127.0.0.1:9999')
  const told = shell.all('localAddress').map(({ endpoint }) => formatNetEndpoint(endpoint))
  assert.ok(told.includes(`${SERVICE}.onion:8333`))
  assert.ok(told.some(text => text.endsWith('.b32.i2p:0')))
  sam.arrive(makeDestination())
  assert.equal((await shell.first('accepted')).remote.address.network, 'i2p')
  await helpers.stop()
  await until(() => shell.all('localAddressGone').length === 2)
  await shell.stop()
  await tor.close()
  sam.close()
})

test('a router of I2P that is nowhere is refused in the words of bitcoind', async () => {
  const context = contextWith(new Proxies(NO_PROXIES, nodeRandom))
  const prepared = (sam: string) => NetworkHelpers.prepare({ ...NONE, i2p: { sam, acceptsIncoming: true } }, context)
  await assert.rejects(prepared('def..def:23456'), { message: "Invalid -i2psam address or hostname: 'def..def:23456'" })
  await assert.rejects(prepared('192.0.0.1:def'), { message: "Invalid port specified in -i2psam: '192.0.0.1:def'" })
})
