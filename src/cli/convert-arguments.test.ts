import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { writeJson } from '../rpc/json/write-json.ts'
import { RPC_METHODS } from '../rpc/methods/rpc-methods.ts'
import { ArgumentError, convertArguments, convertNamedArguments } from './convert-arguments.ts'

const byPosition = (method: string, ...texts: string[]): string => writeJson(convertArguments(method, texts))
const byName = (method: string, ...texts: string[]): string => writeJson(convertNamedArguments(method, texts))

describe('arguments by position', () => {
  it('are JSON or text by the method', () => {
    assert.equal(byPosition('getblockhash', '7'), '[7]')
    assert.equal(byPosition('getblock', '00', '2'), '["00",2]')
    assert.equal(byPosition('createrawtransaction', '[]', '{"data":"00"}'), '[[],{"data":"00"}]')
    assert.equal(byPosition('sendtoaddress', 'a', '0.10', '1', '2'), '["a",0.10,"1","2"]')
    assert.equal(byPosition('nomethod', '7'), '["7"]')
  })

  it('may be either where a hash or a height is meant', () => {
    assert.equal(byPosition('getblockstats', '7', '["a"]'), '[7,["a"]]')
    assert.equal(byPosition('getblockstats', '00ff'), '["00ff"]')
    assert.throws(() => byPosition('getblockhash', 'x'), { name: 'ArgumentError', message: 'Error parsing JSON: x' })
  })

  it('of long lists of rules are found on every line', () => {
    assert.equal(byName('walletcreatefundedpsbt', 'psbt_version=2', 'version=3'), '{"psbt_version":2,"version":3}')
  })
})

describe('arguments by name', () => {
  it('go by their names, later ones over earlier ones, and others by position', () => {
    assert.equal(byName('getblock', 'blockhash=00', 'verbosity=2'), '{"blockhash":"00","verbosity":2}')
    assert.equal(byName('getblock', 'verbosity=1', 'verbosity=2'), '{"verbosity":2}')
    assert.equal(byName('getblock', '00', 'verbosity=2'), '{"verbosity":2,"args":["00"]}')
  })

  it('may hold an equals sign where text or JSON is meant by position', () => {
    assert.equal(byName('createwallet', 'my=wallet'), '{"args":["my=wallet"]}')
    assert.equal(byName('createrawtransaction', '["a=b"]'), '{"args":[["a=b"]]}')
    assert.equal(byName('getblock', 'my=hash'), '{"my":"hash"}')
    assert.throws(() => byName('getblock', 'verbosity=x'), ArgumentError)
  })
})

it('every parameter of our methods is converted by its type', () => {
  const textTypes = ['string', 'hex']
  let checked = 0
  for (const { name, params } of RPC_METHODS) {
    for (const [i, param] of params.entries()) {
      if (param.untyped || param.hidden) continue
      const texts = [...params.slice(0, i).map(() => '0'), '0']
      const isText = convertArguments(name, texts)[i] === '0'
      assert.equal(isText, textTypes.includes(param.type), `${name} ${param.name}`)
      checked++
    }
  }
  assert.ok(checked > 50)
})
