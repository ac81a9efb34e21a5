import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { toHex } from '../../src/base/bytes/bytes.ts'
import { ByteReader } from '../../src/base/bytes/reader.ts'
import type { RpcClient } from '../../src/rpc/client.ts'
import { usageLine } from '../../src/rpc/help.ts'
import { RPC_METHODS } from '../../src/rpc/methods/rpc-methods.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { Daemon } from '../daemon.ts'
import { readSharedBytes, readSharedJson, skipWithout } from '../shared-data.ts'

interface Recording {
  method: string
  params: never[]
  result: unknown
  error: { code: number; message: string } | null
}

interface FedBlock {
  hash: string
  result: string | null
  tip: boolean
}

interface ExpectedHeight {
  height: number
  hash: string
  gettxoutsetinfo: { [key: string]: unknown }
  getblockstats: object
  getblockheader: object
  getblock1: object
}

const BUILT = new Map(RPC_METHODS.map(method => [method.name, method]))

/** Calls whose recorded answer needs what this node does not have yet: their numbers in the recordings. */
const NOT_YET: Readonly<Record<number, string>> = {
  52: 'mempool',
  53: 'mempool',
  54: 'mempool',
}

/** Values that differ from run to run or from node to node, by method; the empty path is the whole answer. */
const VARYING: Readonly<Record<string, readonly string[]>> = {
  getblockchaininfo: ['size_on_disk', 'verificationprogress', 'warnings'],
  getchainstates: ['verificationprogress', 'coins_db_cache_bytes', 'coins_tip_cache_bytes'].map(
    key => `chainstates.0.${key}`,
  ),
  gettxoutsetinfo: ['transactions', 'disk_size'],
  getmempoolinfo: ['size', 'bytes', 'usage', 'total_fee'],
  getmininginfo: ['pooledtx', 'warnings'],
  getblocktemplate: ['transactions', 'coinbasevalue', 'curtime', 'default_witness_commitment', 'longpollid'],
  generateblock: ['hash'],
  generatetodescriptor: ['0'],
  waitforblock: ['hash'],
  waitforblockheight: ['hash'],
  getnetworkinfo: ['version', 'subversion', 'protocolversion', 'warnings'],
  getnettotals: ['timemillis'],
  listbanned: ['0.ban_created', '0.banned_until'],
  uptime: [''],
  getrpcinfo: ['active_commands.0.duration', 'logpath'],
  getmemoryinfo: ['used', 'free', 'total', 'locked', 'chunks_used', 'chunks_free'].map(key => `locked.${key}`),
}

/** Seconds that were left, by path: some may have passed since, which the recording did not take. */
const RUNNING_DOWN: readonly string[] = ['0.time_remaining']
const PASSED_SECONDS_MAX = 10

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
}

/** Holds an answer against the recorded one: the same keys in the same order, kinds, and values but for those that vary. */
function compare(actual: unknown, expected: unknown, varying: readonly string[], label: string, path = ''): void {
  const where = `${label}: ${path}`
  assert.equal(kindOf(actual), kindOf(expected), where)
  if (varying.includes(path)) return
  if (RUNNING_DOWN.includes(path)) {
    const passed = Number(expected) - Number(actual)
    assert.ok(passed >= 0 && passed <= PASSED_SECONDS_MAX, `${where} ${actual}`)
    return
  }
  if (kindOf(expected) !== 'array' && kindOf(expected) !== 'object') {
    assert.equal(actual, expected, where)
    return
  }
  const [a, e] = [actual as Record<string, unknown>, expected as Record<string, unknown>]
  assert.deepEqual(Object.keys(a), Object.keys(e), where)
  for (const key of Object.keys(e)) compare(a[key], e[key], varying, label, path === '' ? key : `${path}.${key}`)
}

/** Help texts are the node's own, but for the usage line. */
function isHelp(text: unknown): text is string {
  return typeof text === 'string' && /\n\n(?:Arguments|Result)[^\n]*:\n/.test(text)
}

async function compareCall(client: RpcClient, recording: Recording, label: string): Promise<void> {
  const { method, params, result, error } = recording
  const answer = await client.call(method, params).then(
    value => ({ value, code: undefined, message: '' }),
    (fault: unknown) => {
      if (fault instanceof RpcError) return { value: null, code: fault.code, message: fault.message }
      throw fault
    },
  )
  assert.equal(answer.code, error?.code, `${label}: ${answer.message}`)
  if (error !== null) {
    const firstLine = (text: string): string => text.split('\n')[0]
    if (isHelp(error.message)) assert.equal(firstLine(answer.message), firstLine(error.message), label)
    else assert.equal(answer.message, error.message, label)
  } else if (isHelp(result)) assert.equal(usageLine(BUILT.get(params[0])!), result.split('\n')[0], label)
  else compare(answer.value, result, VARYING[method] ?? [], label)
}

describe('RPC on chain-mixed', {
  skip: skipWithout('fixtures', 'rpc') || skipWithout('fixtures', 'chain-mixed'),
}, () => {
  let daemon: Daemon
  let client: RpcClient
  before(async () => {
    daemon = await Daemon.create()
    // As the recorded bitcoind ran.
    client = await daemon.start(['-txindex', '-blockfilterindex', '-coinstatsindex'])
  })
  after(() => daemon.remove())

  test("every block gets Bitcoin Core's answer through submitblock", async () => {
    const index = readSharedJson<FedBlock[]>('fixtures', 'chain-mixed', 'index.json')
    assert.equal(index.length, 476)
    const reader = new ByteReader(readSharedBytes('fixtures', 'chain-mixed', 'blocks.dat'))
    for (const { hash, result, tip } of index) {
      reader.skip(4)
      const block = toHex(reader.bytes(reader.u32()))
      assert.equal(await client.call('submitblock', [block]), result, hash)
      assert.equal((await client.call('getbestblockhash')) === hash, tip, hash)
    }
    assert.equal(reader.remaining, 0)
  })

  test('headers, blocks and statistics at every listed height are those of Bitcoin Core', async () => {
    const { heights } = readSharedJson<{ heights: ExpectedHeight[] }>('fixtures', 'chain-mixed', 'expected.json')
    assert.equal(heights.length, 14)
    for (const { height, hash, getblockstats, getblockheader, getblock1 } of heights) {
      assert.equal(await client.call('getblockhash', [height]), hash)
      compare(await client.call('getblockheader', [hash]), getblockheader, [], `header ${height}`)
      compare(await client.call('getblock', [hash]), getblock1, [], `block ${height}`)
      compare(await client.call('getblockstats', [height]), getblockstats, [], `stats ${height}`)
      compare(await client.call('getblockstats', [hash]), getblockstats, [], `stats ${hash}`)
    }
    const { gettxoutsetinfo } = heights.at(-1)!
    const { hash_serialized_3, muhash } = gettxoutsetinfo
    assert.equal(
      (await client.call<{ hash_serialized_3: string }>('gettxoutsetinfo')).hash_serialized_3,
      hash_serialized_3,
    )
    assert.equal((await client.call<{ muhash: string }>('gettxoutsetinfo', ['muhash'])).muhash, muhash)
  })

  test('blocks with all that they spend are those of Bitcoin Core', async () => {
    const blocks = readSharedJson<
      { height: number; hash: string; getblock3: { tx: { vin: { prevout?: object }[]; fee?: number }[] } }[]
    >('fixtures', 'chain-mixed', 'verbose-blocks.json')
    assert.ok(blocks.length > 0)
    for (const { height, hash, getblock3 } of blocks) {
      compare(await client.call('getblock', [hash, 3]), getblock3, [], `block ${height}`)
      for (const { vin } of getblock3.tx) for (const input of vin) delete input.prevout
      compare(await client.call('getblock', [hash, 2]), getblock3, [], `block ${height} without prevouts`)
    }
  })

  test('recorded calls give the same answers, errors and messages', async () => {
    const { calls } = readSharedJson<{ calls: Recording[] }>('fixtures', 'rpc', 'recordings.json')
    assert.equal(calls.length, 177)
    let compared = 0
    for (const [number, recording] of calls.entries()) {
      const { method, params } = recording
      if ((!BUILT.has(method) && method !== 'nosuch') || NOT_YET[number] !== undefined) continue
      compared++
      await compareCall(client, recording, `${number} ${method} ${JSON.stringify(params).slice(0, 100)}`)
    }
    assert.equal(compared, 122)
  })
})

describe('getblockstats on the chain of its own vectors', { skip: skipWithout('vectors', 'core') }, () => {
  test("gives Bitcoin Core's values, all and one by one", async () => {
    const { blocks, mocktime, stats } = readSharedJson<{
      blocks: string[]
      mocktime: number
      stats: ({ [name: string]: unknown } & { height: number; blockhash: string })[]
    }>('vectors', 'core', 'rpc_getblockstats.json')
    assert.deepEqual([blocks.length, stats.length], [104, 3])
    const daemon = await Daemon.create()
    const client = await daemon.start([`-mocktime=${mocktime}`])
    // The first is the genesis block, which is here already.
    for (const [height, block] of blocks.entries()) {
      assert.equal(await client.call('submitblock', [block]), height === 0 ? 'duplicate' : null)
    }
    for (const expected of stats) {
      assert.deepEqual(await client.call('getblockstats', [expected.height]), expected)
      assert.deepEqual(await client.call('getblockstats', [expected.blockhash]), expected)
      for (const [name, value] of Object.entries(expected)) {
        assert.deepEqual(await client.call('getblockstats', [expected.height, [name]]), { [name]: value })
      }
    }
    await daemon.remove()
  })
})
