import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvariantError } from '../base/errors.ts'
import { Log } from '../node/log.ts'
import { LogFilter } from '../node/log-filter.ts'
import type { RpcContext } from './context.ts'
import { RpcDispatcher } from './dispatch.ts'
import type { RpcMethod } from './method.ts'
import { MethodTable } from './method-table.ts'
import { RPC_INVALID_PARAMETER, RpcError } from './rpc-error.ts'

const METHODS: RpcMethod[] = [
  {
    name: 'echo',
    category: 'hidden',
    about: 'Gives back its arguments.',
    params: [
      { name: 'arg0', type: 'string', about: 'First.', untyped: true },
      { name: 'arg1', aliases: ['other'], type: 'number', about: 'Second.' },
    ],
    result: '[...]    (json array)',
    handler: (_, args) => args.all,
  },
  {
    name: 'fail',
    category: 'util',
    about: 'Fails as it is told.',
    params: [{ name: 'how', type: 'string', about: 'How.', required: true }],
    result: 'null',
    handler: async (_, args) => {
      if (args.string('how') === 'bug') throw new InvariantError('a bug')
      throw args.string('how') === 'world' ? new Error('no disk') : new RpcError(RPC_INVALID_PARAMETER, 'not like this')
    },
  },
]

const CONTEXT = { log: new Log(new LogFilter(), () => {}, { thread: 'test' }) } as RpcContext

function dispatcher(options: { warmup?: string; onFailure?: (method: string, error: unknown) => void } = {}) {
  return new RpcDispatcher({
    table: new MethodTable(METHODS),
    context: CONTEXT,
    warmupStatus: () => options.warmup,
    onFailure: options.onFailure ?? (() => assert.fail('no failure expected')),
  })
}

async function answers(cases: [string, number, string | undefined][]): Promise<void> {
  for (const [request, status, body] of cases) {
    assert.deepEqual(await dispatcher().handle(request, { user: 'u' }), { status, body }, request)
  }
}

test('1.x answers with both result and error, and tells errors by status', async () => {
  await answers([
    ['{"method":"echo","params":["a",1.50],"id":7}', 200, '{"result":["a",1.50],"error":null,"id":7}'],
    ['{"method":"echo","version":"1.1"}', 200, '{"result":[],"error":null}'],
    ['{"jsonrpc":"1.0","method":"echo","id":null}', 200, '{"result":[],"error":null,"id":null}'],
    [
      '{"method":"nosuch","id":"x"}',
      404,
      '{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":"x"}',
    ],
    [
      '{"method":"fail","params":["so"],"id":1}',
      500,
      '{"result":null,"error":{"code":-8,"message":"not like this"},"id":1}',
    ],
  ])
})

test('2.0 answers with one of the two, always with status 200, and not at all to notifications', async () => {
  await answers([
    ['{"jsonrpc":"2.0","method":"echo","id":1}', 200, '{"jsonrpc":"2.0","result":[],"id":1}'],
    ['{"jsonrpc":"2.0","method":"echo","id":null}', 200, '{"jsonrpc":"2.0","result":[],"id":null}'],
    [
      '{"jsonrpc":"2.0","method":"nosuch","id":1}',
      200,
      '{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}',
    ],
    ['{"jsonrpc":"2.0","method":"echo"}', 204, undefined],
    ['{"jsonrpc":"2.0","method":"fail","params":["so"]}', 204, undefined],
  ])
})

test('what is no request is refused as Bitcoin Core does', async () => {
  const refusal = (code: number, message: string, id = ''): string =>
    `{"result":null,"error":{"code":${code},"message":"${message}"}${id}}`
  await answers([
    ['', 500, refusal(-32700, 'Parse error', ',"id":null')],
    ['{', 500, refusal(-32700, 'Parse error', ',"id":null')],
    ['1', 500, refusal(-32700, 'Top-level object parse error', ',"id":null')],
    ['{"id":3}', 400, refusal(-32600, 'Missing method', ',"id":3')],
    ['{"method":1}', 400, refusal(-32600, 'Method must be a string')],
    ['{"jsonrpc":2,"method":"echo"}', 400, refusal(-32600, 'jsonrpc field must be a string')],
    ['{"jsonrpc":"3.0","method":"echo"}', 400, refusal(-32600, 'JSON-RPC version not supported')],
    ['{"method":"echo","params":1,"id":1}', 400, refusal(-32600, 'Params must be an array or object', ',"id":1')],
    ['{"jsonrpc":"2.0","id":1}', 400, '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Missing method"},"id":1}'],
  ])
})

test('a batch answers each of its requests, in order', async () => {
  await answers([
    ['[]', 200, '[]'],
    [
      '[{"method":"echo","id":1},{"jsonrpc":"2.0","method":"nosuch","id":2},{"pizza":1,"id":3},4]',
      200,
      '[{"result":[],"error":null,"id":1},{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":2},' +
        '{"result":null,"error":{"code":-32600,"message":"Missing method"},"id":3},' +
        '{"result":null,"error":{"code":-32600,"message":"Invalid Request object"},"id":null}]',
    ],
    ['[{"jsonrpc":"2.0","method":"echo"},{"jsonrpc":"2.0","method":"nosuch"}]', 204, undefined],
    ['[{"jsonrpc":"2.0","method":"echo"},{"method":"echo"}]', 200, '[{"result":[],"error":null}]'],
  ])
})

test('arguments go by name, by position, or both', async () => {
  const echo = (params: string): string => `{"method":"echo","params":${params}}`
  const ok = (result: string): string => `{"result":${result},"error":null}`
  const invalid = (message: string): string => `{"result":null,"error":{"code":-8,"message":"${message}"}}`
  await answers([
    [echo('{"arg1":2}'), 200, ok('[null,2]')],
    [echo('{"arg1":null}'), 200, ok('[null,null]')],
    [echo('{"other":2,"arg0":"a"}'), 200, ok('["a",2]')],
    [echo('{"args":["a"],"arg1":2}'), 200, ok('["a",2]')],
    [echo('{"args":["a",1]}'), 200, ok('["a",1]')],
    [
      echo('{"args":["a",1],"arg1":2}'),
      500,
      invalid('Parameter arg1|other specified twice both as positional and named argument'),
    ],
    [echo('{"arg0":1,"arg0":2}'), 500, invalid('Parameter arg0 specified multiple times')],
    [echo('{"arg0":1,"argb":2}'), 500, invalid('Unknown named parameter argb')],
    [echo('{"arg1":1,"other":2}'), 500, invalid('Unknown named parameter other')],
  ])
})

test('types are checked before the method runs, counts before the types', async () => {
  const wrong = (text: string): string =>
    `{"result":null,"error":{"code":-3,"message":"Wrong type passed:\\n{\\n    ${text}\\n}"}}`
  await answers([
    [
      '{"method":"echo","params":["a","b"]}',
      500,
      wrong('\\"Position 2 (arg1|other)\\": \\"JSON value of type string is not of expected type number\\"'),
    ],
    [
      '{"method":"fail","params":[null]}',
      500,
      wrong('\\"Position 1 (how)\\": \\"JSON value of type null is not of expected type string\\"'),
    ],
    ['{"method":"echo","params":[null,null]}', 200, '{"result":[null,null],"error":null}'],
    [
      '{"method":"fail"}',
      500,
      '{"result":null,"error":{"code":-1,"message":"fail \\"how\\"\\n\\nFails as it is told.\\n\\nArguments:\\n1. how    (string, required) How.\\n\\nResult:\\nnull\\n"}}',
    ],
  ])
})

test('while warming up, every call is told so', async () => {
  const { status, body } = await dispatcher({ warmup: 'Loading block index…' }).handle('{"method":"echo"}', {
    user: 'u',
  })
  assert.deepEqual([status, body], [500, '{"result":null,"error":{"code":-28,"message":"Loading block index…"}}'])
})

test('failures that no caller made are reported', async () => {
  const failures: string[] = []
  const reporting = dispatcher({ onFailure: (method, error) => failures.push(`${method}: ${error}`) })
  const world = await reporting.handle('{"method":"fail","params":["world"]}', { user: 'u' })
  const bug = await reporting.handle('{"method":"fail","params":["bug"]}', { user: 'u' })
  assert.equal(world.body, '{"result":null,"error":{"code":-1,"message":"no disk"}}')
  assert.equal(bug.body, '{"result":null,"error":{"code":-1,"message":"Internal bug detected: a bug"}}')
  assert.deepEqual(failures, ['fail: Error: no disk', 'fail: InvariantError: a bug'])
})

test('help lists what is not hidden, by category', () => {
  const table = new MethodTable([
    ...METHODS,
    { ...METHODS[1], name: 'alpha', params: [] },
    { ...METHODS[1], name: 'beta', category: 'blockchain' },
  ])
  assert.equal(table.help(''), '== Blockchain ==\nbeta "how"\n\n== Util ==\nalpha\nfail "how"')
  assert.equal(table.help('nosuch'), 'help: unknown command: nosuch')
  assert.match(
    table.help('echo'),
    /^echo \( "arg0" arg1 \)\n\nGives back its arguments\.\n\nArguments:\n1\. arg0 {4}\(string, optional\) First\.\n/,
  )
})
