import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSharedJson, skipWithout } from '../../../test/shared-data.ts'
import { helpText } from '../help.ts'
import { RPC_METHODS } from './rpc-methods.ts'

interface OpenRpc {
  methods: {
    name: string
    params: { name: string; required: boolean; schema: { default?: unknown }; 'x-bitcoin-aliases'?: string[] }[]
    'x-bitcoin-category': string
  }[]
}

test("names, order, aliases and defaults of parameters are Bitcoin Core's", {
  skip: skipWithout('fixtures', 'rpc'),
}, () => {
  const described = new Map(
    readSharedJson<OpenRpc>('fixtures', 'rpc', 'openrpc.json').methods.map(method => [method.name, method]),
  )
  // Core describes hidden methods nowhere.
  const listed = RPC_METHODS.filter(method => method.category !== 'hidden')
  assert.equal(listed.length, 61)
  for (const method of listed) {
    const core = described.get(method.name)
    assert.equal(method.category, core?.['x-bitcoin-category'], method.name)
    assert.deepEqual(
      method.params
        .filter(param => !param.hidden)
        .map(({ name, aliases, required = false, default: fallback }) => ({ name, aliases, required, fallback })),
      core?.params.map(param => ({
        name: param.name,
        aliases: param['x-bitcoin-aliases'],
        required: param.required,
        fallback: param.schema.default,
      })),
      method.name,
    )
  }
})

test('no two methods have one name, and each can be explained', () => {
  assert.equal(new Set(RPC_METHODS.map(method => method.name)).size, RPC_METHODS.length)
  for (const method of RPC_METHODS) assert.ok(helpText(method).startsWith(method.name), method.name)
})
