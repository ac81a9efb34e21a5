import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Log } from '../node/log.ts'
import { LogFilter } from '../node/log-filter.ts'
import { AllowedAddresses } from './allowed-addresses.ts'
import { Authorization } from './authorization.ts'
import { RpcClient } from './client.ts'
import type { RpcContext } from './context.ts'
import { COOKIE_USER, readCookie, removeCookie, writeCookie } from './cookie.ts'
import { RpcDispatcher } from './dispatch.ts'
import { RpcHttpServer } from './http-server.ts'
import type { RpcMethod } from './method.ts'
import { MethodTable } from './method-table.ts'

/** Waits that `release` ends. */
let waiting: (() => void)[] = []
function release(): void {
  for (const end of waiting) end()
  waiting = []
}

const METHODS: RpcMethod[] = [
  {
    name: 'echo',
    category: 'util',
    about: 'Gives back its argument, and the wallet it is asked for.',
    params: [{ name: 'arg', type: 'string', about: 'Anything.', untyped: true }],
    result: '[...]',
    handler: (_, args) => [args.all[0] ?? null, args.walletName ?? null],
  },
  {
    name: 'wait',
    category: 'util',
    about: 'Waits to be released.',
    params: [],
    result: 'true',
    handler: () => new Promise(resolve => waiting.push(() => resolve(true))),
  },
]

const lines: string[] = []
const log = new Log(new LogFilter(), entry => lines.push(entry.message), { thread: 'test' })
let server: RpcHttpServer
let port = 0
const CREDENTIALS = 'alice:secret'

before(async () => {
  const authorization = new Authorization()
  authorization.addPassword('alice', 'secret')
  server = new RpcHttpServer({
    options: { bind: [{ host: '127.0.0.1', port: 0 }], threads: 1, workQueue: 1 },
    dispatcher: new RpcDispatcher({
      table: new MethodTable(METHODS),
      context: { log } as RpcContext,
      warmupStatus: () => undefined,
      onFailure: () => {},
    }),
    authorization,
    allowed: new AllowedAddresses(),
    log,
  })
  const [address] = (await server.start()) as [AddressInfo]
  port = address.port
})
after(() => server.stop())

interface Answer {
  status: number | undefined
  reason: string | undefined
  body: string
  headers: IncomingHttpHeaders
}

function ask(
  body: string,
  options: { method?: string; path?: string; headers?: Record<string, string>; credentials?: string | null } = {},
): Promise<Answer> {
  const { method = 'POST', path = '/', credentials = CREDENTIALS } = options
  const authorization = credentials === null ? {} : { Authorization: `Basic ${btoa(credentials)}` }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, headers: { ...authorization, ...options.headers } },
      incoming => {
        let text = ''
        incoming.on('data', chunk => (text += chunk))
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode,
            reason: incoming.statusMessage,
            body: text,
            headers: incoming.headers,
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

test('calls are answered with JSON and a line break', async () => {
  const { status, body, headers } = await ask('{"method":"echo","params":["ü"]}')
  assert.equal(status, 200)
  assert.equal(body, '{"result":["ü",null],"error":null}\n')
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(
    (await ask('{"method":"echo"}', { path: '/wallet/a%20b' })).body,
    '{"result":[null,"a b"],"error":null}\n',
  )
  assert.equal((await ask('{"jsonrpc":"2.0","method":"echo"}')).status, 204)
})

test('what is not served is refused', async () => {
  assert.equal((await ask('', { path: '/nosuch' })).status, 404)
  assert.equal((await ask('', { path: '/wallet/%' })).status, 404)
  const get = await ask('', { method: 'GET' })
  assert.deepEqual([get.status, get.body], [405, 'JSONRPC server handles only POST requests'])
  assert.equal((await ask('', { headers: { 'x-large': 'a'.repeat(9000) } })).status, 400)
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`x-${i}`, 'abcdefg']))
  assert.equal((await ask('', { headers: many })).status, 400)
})

test('a wrong or missing password is refused, and the wrong one costs time', async () => {
  const missing = await ask('{"method":"echo"}', { credentials: null })
  assert.equal(missing.status, 401)
  assert.equal(missing.headers['www-authenticate'], 'Basic realm="jsonrpc"')
  const started = performance.now()
  const wrong = ['alice:Secret', 'bob:secret', 'alice', ':']
  const refused = await Promise.all(wrong.map(credentials => ask('{"method":"echo"}', { credentials })))
  assert.deepEqual([...new Set(refused.map(answer => answer.status))], [401])
  assert.ok(performance.now() - started >= 240)
  assert.ok(lines.some(line => line.startsWith('ThreadRPCServer incorrect password attempt from 127.0.0.1:')))
  assert.ok(!lines.some(line => line.includes('ecret')))
})

test('web pages cannot call, whatever name they reach the server by', async () => {
  const status = async (headers: Record<string, string>) => (await ask('{"method":"echo"}', { headers })).status
  assert.equal(await status({ Origin: 'http://evil.example' }), 403)
  assert.equal(await status({ Origin: 'null' }), 403)
  assert.equal(await status({ Host: 'evil.example' }), 403)
  assert.equal(await status({ Host: 'localhost:18443', Origin: 'http://127.0.0.1:8480' }), 200)
  assert.equal(await status({ Host: '[::1]:18443' }), 200)
  assert.equal(await status({ Host: '192.168.1.5:18443' }), 200)
})

test('large bodies are taken up to the limit, announced or not', async () => {
  const fits = `{"method":"echo","params":["${'a'.repeat(32 * 1024 * 1024 - 40)}"]}`
  assert.equal((await ask(fits)).status, 200)
  assert.equal((await ask('{"method":"echo"}', { headers: { 'Transfer-Encoding': 'chunked' } })).status, 200)
  for (const head of ['Content-Length: 33554433\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\n2000001\r\n']) {
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${btoa(CREDENTIALS)}\r\n${head}`)
    const chunk = Buffer.alloc(1 << 20, 'a')
    socket.on('error', () => {})
    const answer = new Promise<string>(resolve => socket.on('data', data => resolve(data.toString())))
    for (let i = 0; i < 34; i++) socket.write(chunk)
    assert.match(await answer, /^HTTP\/1\.1 413 Content too large\r\n/)
    socket.destroy()
  }
})

test('bytes that are not UTF-8 are not JSON', async () => {
  const socket = connect(port, '127.0.0.1')
  const body = Buffer.from('{"method":"echo","params":["\xff"]}', 'latin1')
  socket.write(
    `POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${btoa(CREDENTIALS)}\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  socket.write(body)
  const answer = await new Promise<string>(resolve => socket.on('data', data => resolve(data.toString())))
  assert.match(answer, /Parse error/)
  socket.destroy()
})

test('requests on one connection are carried out in order', async () => {
  const socket = connect(port, '127.0.0.1')
  const post = (body: string): string =>
    `POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${btoa(CREDENTIALS)}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  let received = ''
  socket.on('data', data => (received += data))
  socket.write(post('{"method":"wait"}') + post('{"method":"echo"}'))
  while (waiting.length === 0) await new Promise(resolve => setImmediate(resolve))
  assert.equal(received, '')
  release()
  while (!received.includes('[null,null]')) await new Promise(resolve => setImmediate(resolve))
  assert.ok(received.indexOf('"result":true') < received.indexOf('[null,null]'))
  socket.destroy()
})

test('what exceeds the work queue is turned away', async () => {
  const clients = [1, 2].map(() => ask('{"method":"wait"}'))
  while (waiting.length < 2) await new Promise(resolve => setImmediate(resolve))
  const refused = await ask('{"method":"echo"}')
  assert.deepEqual([refused.status, refused.body], [503, 'Work queue depth exceeded'])
  release()
  for (const answer of await Promise.all(clients)) assert.equal(answer.status, 200)
})

test('the client gives results, and tells the kinds of errors apart', async () => {
  const client = new RpcClient({ host: '127.0.0.1', port, credentials: CREDENTIALS, wallet: 'w' })
  assert.deepEqual(await client.call('echo', [{ a: 1 }]), [{ a: 1 }, 'w'])
  assert.deepEqual(await client.call('echo', { arg: 'x' }), ['x', 'w'])
  await assert.rejects(client.call('nosuch'), { name: 'RpcError', code: -32601, message: 'Method not found' })
  client.close()
  const stranger = new RpcClient({ host: '127.0.0.1', port, credentials: 'a:b' })
  await assert.rejects(stranger.call('echo'), { code: 'rpc-unauthorized' })
  stranger.close()
  const lost = new RpcClient({ host: '127.0.0.1', port: 1, credentials: 'a:b' })
  await assert.rejects(lost.call('echo'), { code: 'rpc-unreachable' })
  lost.close()
})

test('the cookie file is for its owner alone, and removed by whoever wrote it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cookie-'))
  const path = join(folder, '.cookie')
  const first = writeCookie(path)
  assert.equal(readFileSync(path, 'utf8'), `${COOKIE_USER}:${first}`)
  assert.match(first, /^[0-9a-f]{64}$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const second = writeCookie(path, 'group')
  assert.equal(statSync(path).mode & 0o777, 0o640)
  removeCookie(path, first)
  assert.equal(readCookie(path), `${COOKIE_USER}:${second}`)
  removeCookie(path, second)
  assert.equal(readCookie(path), undefined)
  assert.throws(() => writeCookie(join(folder, 'missing', '.cookie')), { code: 'cookie-unwritable' })
  rmSync(folder, { recursive: true })
})

test('-rpcauth entries admit by salted hash', () => {
  const authorization = new Authorization()
  // Bitcoin Core's rpc_users.py: user rt, password cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=
  authorization.addRpcAuth(
    'rt:93648e835a54c573682c2eb19f882535$7681e9c5b74bdd85e78166031d2058e1069b3ed7ed967c93fc63abba06f31144',
  )
  const header = (text: string): string => `Basic ${btoa(text)}`
  assert.equal(authorization.userOf(header('rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=')), 'rt')
  assert.equal(authorization.userOf(header('rt:cA773lm788buwYe4g4WT+05pKyNruVKjQ25x3n0DQcM=')), 'rt')
  assert.equal(authorization.userOf(header('rt:wrong')), undefined)
  assert.equal(authorization.userOf('Bearer x'), undefined)
  for (const entry of ['foo', 'foo:bar', 'foo:bar:baz', 'foo$bar$baz', 'foo$bar:baz', 'foo:bar$baz$x']) {
    assert.throws(() => new Authorization().addRpcAuth(entry), { code: 'rpcauth-invalid' }, entry)
  }
})

test('addresses are allowed one by one and by subnet', () => {
  const allowed = new AllowedAddresses()
  for (const subnet of ['10.0.0.0/8', '192.168.1.0/255.255.255.0', '1.2.3.4', 'fd00::/8', '[::1]', '0.0.0.0/0.0.0.0']) {
    assert.equal(new AllowedAddresses().add(subnet), true, subnet)
  }
  for (const subnet of [
    '10.0.0.0/33',
    '1.2.3.4/255.0.255.0',
    'example.com',
    '',
    '1.2.3.4/8/8',
    '::1/129',
    '1.2.3.4/',
  ]) {
    assert.equal(allowed.add(subnet), false, subnet)
  }
  assert.equal(allowed.allows('127.8.8.8'), true)
  assert.equal(allowed.allows('::ffff:127.0.0.1'), true)
  assert.equal(allowed.allows('::1'), true)
  assert.equal(allowed.allows('10.1.1.1'), false)
  allowed.add('10.0.0.0/8')
  assert.equal(allowed.allows('10.1.1.1'), true)
  assert.equal(allowed.allows(''), false)
})
