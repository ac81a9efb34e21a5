import assert from 'node:assert/strict'
import type { lookup as dnsLookup } from 'node:dns'
import { createServer, type Server } from 'node:http'
import type { LookupFunction } from 'node:net'
import { after, test } from 'node:test'
import { guardLookup } from './address-guard.ts'
import { openUrl } from './fetch-url.ts'

const requests: string[] = []
const server: Server = createServer((request, response) => {
  requests.push(request.url!)
  if (request.url === '/ok') response.end('ok')
  else response.writeHead(302, { location: decodeURIComponent(request.url!.slice(1)) }).end()
}).listen(0, '127.0.0.1')
await new Promise(resolve => server.once('listening', resolve))
const { port } = server.address() as { port: number }

after(() => {
  server.closeAllConnections()
  server.close()
})

/** A resolver that gives these answers one after the other. */
function resolver(...answers: readonly (readonly string[])[]): typeof dnsLookup {
  let asked = 0
  return ((_: string, __: object, callback: (error: null, addresses: object[]) => void) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)]
    callback(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }) as unknown as typeof dnsLookup
}

/** What a connection is told for a name. */
function resolved(lookup: LookupFunction, all: boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    lookup('name.test', { all }, (error, address) => (error === null ? resolve(address) : reject(error)))
  })
}

test('a name gives its public addresses only, and is judged anew each time', async () => {
  const rebinding = guardLookup(resolver(['203.0.113.7'], ['127.0.0.1']))
  assert.equal(await resolved(rebinding, false), '203.0.113.7')
  await assert.rejects(resolved(rebinding, false), { code: 'private-address' })
  const mixed = guardLookup(resolver(['10.0.0.1', '203.0.113.7', 'fd00::1']))
  assert.deepEqual(await resolved(mixed, true), [{ address: '203.0.113.7', family: 4 }])
  assert.equal(await resolved(mixed, false), '203.0.113.7')
  const waysRound = ['2002:7f00:1::', '2001:0:7f00:1::1', '64:ff9b:1::7f00:1', '::ffff:127.0.0.1', '::127.0.0.1']
  const tunnels = guardLookup(resolver([...waysRound, '::ffff:0:127.0.0.1', 'fe80::1%lo']))
  await assert.rejects(resolved(tunnels, true), { code: 'private-address' })
})

test('a name that turns private after it was judged is not called', async () => {
  const lookup = guardLookup(resolver(['127.0.0.1']))
  const options = { allowPrivate: false, timeoutMs: 2000, lookup }
  await assert.rejects(openUrl(`http://name.test:${port}/ok`, options), { code: 'private-address' })
  assert.deepEqual(requests, [])
})

test('a connection that somebody made who may call private addresses is of no use to those who may not', async () => {
  // A name stands for the same connection in all pools; to the careful it leads to a private address.
  const lookup: LookupFunction = (_, options, callback) => {
    callback(null, options.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4)
  }
  const url = `http://shared.test:${port}/ok`
  requests.length = 0
  const trusting = openUrl(url, { allowPrivate: false, timeoutMs: 2000, lookup })
  for await (const _ of await trusting);
  await new Promise(resolve => setImmediate(resolve))
  const careful = { allowPrivate: false, timeoutMs: 2000, lookup: guardLookup(resolver(['127.0.0.1'])) }
  await assert.rejects(openUrl(url, careful), { code: 'private-address' })
  assert.equal(requests.length, 1)
})

test('a public server cannot send us to a private one', async () => {
  // Stands for a public server: this lookup alone may say that it is here.
  const unguarded: LookupFunction = (hostname, options, callback) => {
    if (hostname === 'public.test') callback(null, options.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4)
    else guardLookup(resolver(['192.168.1.1']))(hostname, options, callback)
  }
  const options = { allowPrivate: false, timeoutMs: 2000, lookup: unguarded }
  const answer = await openUrl(`http://public.test:${port}/ok`, options)
  assert.equal(answer.statusCode, 200)
  answer.destroy()
  for (const target of [`http://127.0.0.1:${port}/ok`, `http://inner.test:${port}/ok`, `http://[::1]:${port}/ok`]) {
    requests.length = 0
    const url = `http://public.test:${port}/${encodeURIComponent(target)}`
    await assert.rejects(openUrl(url, options), { code: 'private-address' }, target)
    assert.equal(requests.length, 1)
  }
  await assert.rejects(openUrl(`http://public.test:${port}/${encodeURIComponent('file:///etc/passwd')}`, options), {
    code: 'url-invalid',
  })
})
