import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ARBITRARY_ADDRESS } from '../../../test/arbitrary-address.ts'
import { concatBytes, hex, toHex } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { encodeTransaction, type Transaction, unsignedInput } from '../primitives/transaction.ts'
import { consequenceOf } from './codec.ts'
import { WIRE_LIMITS } from './limits.ts'
import {
  type Command,
  decodeMessage,
  encodePayload,
  isKnownCommand,
  type KnownMessage,
  MESSAGE_CODECS,
  type Messages,
} from './messages.ts'
import { isLegacyCompatible, UNSPECIFIED_ADDRESS } from './net-address.ts'
import { formatNetEndpoint } from './net-address-text.ts'
import { latin1, safeText } from './safe-text.ts'
import { SERVICES, serviceNames } from './services.ts'

const PLAIN = { noNullPrototype: true } as const
const U8 = fc.nat(0xff)
const U16 = fc.nat(0xffff)
const U32 = fc.nat(0xffff_ffff)
const I32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const U64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const BYTES = fc.uint8Array({ maxLength: 40 })
const HASH = fc.uint8Array({ minLength: 32, maxLength: 32 })
const HASHES = fc.array(HASH, { maxLength: 4 })
const HEADER = fc.uint8Array({ minLength: 80, maxLength: 80 })
const EMPTY = fc.constant({})

const ENDPOINT = fc.record({ address: ARBITRARY_ADDRESS, port: U16 }, PLAIN)
const LEGACY_ENDPOINT = ENDPOINT.filter(({ address }) => isLegacyCompatible(address))

function addresses<T>(endpoint: fc.Arbitrary<T>) {
  return fc.record(
    { addresses: fc.array(fc.record({ timeSeconds: U32, services: U64, endpoint }, PLAIN), { maxLength: 4 }) },
    PLAIN,
  )
}

const TRANSACTION: fc.Arbitrary<Uint8Array> = fc
  .record({ txid: HASH, index: U32, script: BYTES, witness: fc.array(BYTES, { maxLength: 2 }), lockTime: U32 })
  .map(({ txid, index, script, witness, lockTime }) => {
    const outputs = [{ valueSats: 1n, script }]
    const tx: Transaction = { version: 2, inputs: [{ ...unsignedInput(txid, index), witness }], outputs, lockTime }
    return encodeTransaction(tx)
  })

const INVENTORY = fc.record({ entries: fc.array(fc.record({ type: U32, hash: HASH }, PLAIN), { maxLength: 4 }) }, PLAIN)
const LOCATOR = fc.record({ version: I32, locator: HASHES, stopHash: HASH }, PLAIN)
const RAW = fc.record({ bytes: BYTES }, PLAIN)
const FILTER_RANGE = fc.record({ filterType: U8, startHeight: U32, stopHash: HASH }, PLAIN)
const NONCE = fc.record({ nonce: U64 }, PLAIN)

/** Values of every message, within its limits. */
const VALUES: { readonly [C in Command]: fc.Arbitrary<Messages[C]> } = {
  version: fc.record(
    {
      version: I32,
      services: U64,
      timeSeconds: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      receiver: LEGACY_ENDPOINT,
      receiverServices: U64,
      nonce: U64,
      userAgent: fc.uint8Array({ maxLength: 256 }).map(latin1),
      startHeight: I32,
      relay: fc.boolean(),
    },
    PLAIN,
  ),
  verack: EMPTY,
  addr: addresses(LEGACY_ENDPOINT),
  addrv2: addresses(ENDPOINT),
  sendaddrv2: EMPTY,
  inv: INVENTORY,
  getdata: INVENTORY,
  merkleblock: fc.record(
    {
      header: HEADER,
      transactionCount: fc.integer({ min: 4, max: WIRE_LIMITS.merkleBlockTransactionsMax }),
      hashes: HASHES,
      flags: fc.uint8Array({ minLength: 1, maxLength: 3 }),
    },
    PLAIN,
  ),
  getblocks: LOCATOR,
  getheaders: LOCATOR,
  tx: RAW,
  headers: fc.record({ headers: fc.array(HEADER, { maxLength: 4 }).map(list => concatBytes(...list)) }, PLAIN),
  block: RAW,
  getaddr: EMPTY,
  mempool: EMPTY,
  ping: NONCE,
  pong: NONCE,
  notfound: INVENTORY,
  filterload: fc.record({ filter: BYTES, hashFunctions: fc.nat(50), tweak: U32, flags: U8 }, PLAIN),
  filteradd: fc.record({ element: BYTES }, PLAIN),
  filterclear: EMPTY,
  sendheaders: EMPTY,
  feefilter: fc.record({ feeRateSats: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }, PLAIN),
  sendcmpct: fc.record({ highBandwidth: fc.boolean(), version: U64 }, PLAIN),
  cmpctblock: fc.record(
    {
      header: HEADER,
      nonce: U64,
      shortIds: fc.array(fc.nat(2 ** 48 - 1), { maxLength: 5 }).map(ids => Float64Array.from(ids)),
      prefilled: fc.array(fc.record({ gap: U16, transaction: TRANSACTION }, PLAIN), { maxLength: 3 }),
    },
    PLAIN,
  ),
  getblocktxn: fc.record(
    { blockHash: HASH, indexes: fc.uniqueArray(U16, { maxLength: 6 }).map(list => list.sort((a, b) => a - b)) },
    PLAIN,
  ),
  blocktxn: fc.record({ blockHash: HASH, transactions: fc.array(TRANSACTION, { maxLength: 3 }) }, PLAIN),
  getcfilters: FILTER_RANGE,
  cfilter: fc.record({ filterType: U8, blockHash: HASH, filter: BYTES }, PLAIN),
  getcfheaders: FILTER_RANGE,
  cfheaders: fc.record({ filterType: U8, stopHash: HASH, previousHeader: HASH, filterHashes: HASHES }, PLAIN),
  getcfcheckpt: fc.record({ filterType: U8, stopHash: HASH }, PLAIN),
  cfcheckpt: fc.record({ filterType: U8, stopHash: HASH, filterHeaders: HASHES }, PLAIN),
  wtxidrelay: EMPTY,
  sendtxrcncl: fc.record({ version: U32, salt: U64 }, PLAIN),
}

const COMMANDS = Object.keys(MESSAGE_CODECS) as Command[]

const MESSAGE: fc.Arbitrary<KnownMessage> = fc.oneof(
  ...COMMANDS.map(command => (VALUES[command] as fc.Arbitrary<unknown>).map(value => ({ command, value }))),
) as fc.Arbitrary<KnownMessage>

/** Commands whose payload may end anywhere: what is missing has a meaning. */
const OPEN_ENDED = new Set<Command>(['tx', 'block', 'pong', 'version'])

function encode({ command, value }: KnownMessage): Uint8Array {
  return (MESSAGE_CODECS[command].encode as (value: unknown) => Uint8Array)(value)
}

test('every message comes back as it was written, whatever stands behind it', () => {
  assert.equal(COMMANDS.length, 35)
  fc.assert(
    fc.property(MESSAGE, BYTES, (message, behind) => {
      const payload = encode(message)
      const tail = OPEN_ENDED.has(message.command) ? new Uint8Array(0) : behind
      const decoded = decodeMessage(message.command, concatBytes(payload, tail))
      assert.deepEqual(decoded, { ok: true, value: message })
    }),
    { numRuns: 1500 },
  )
})

test('a message that is cut off is refused, and costs nobody more', () => {
  fc.assert(
    fc.property(MESSAGE, fc.nat(), (message, cut) => {
      const payload = encode(message)
      if (payload.length === 0 || OPEN_ENDED.has(message.command)) return
      const decoded = decodeMessage(message.command, payload.subarray(0, cut % payload.length))
      assert.ok(!decoded.ok)
      assert.equal(consequenceOf(decoded.code), 'ignore')
    }),
    { numRuns: 1000 },
  )
})

test('any bytes are a message or none', () => {
  fc.assert(
    fc.property(fc.constantFrom(...COMMANDS), fc.uint8Array({ maxLength: 200 }), (command, payload) => {
      const decoded = decodeMessage(command, payload)
      if (!decoded.ok) assert.ok(decoded.detail)
    }),
    { numRuns: 3000 },
  )
  fc.assert(
    fc.property(MESSAGE, fc.nat(), U8, (message, at, byte) => {
      const payload = encode(message).slice()
      if (payload.length > 0) payload[at % payload.length] = byte
      const decoded = decodeMessage(message.command, payload)
      assert.ok(decoded.ok || decoded.detail)
    }),
    { numRuns: 1500 },
  )
})

test('commands that nobody knows pass through', () => {
  for (const name of ['feature', 'constructor', '', 'VERSION']) {
    assert.ok(!isKnownCommand(name))
    const payload = hex('0102')
    assert.deepEqual(decodeMessage(name, payload), { ok: true, value: { command: undefined, name, payload } })
  }
})

/** Consequence and log text of a payload that is refused. */
function refusal(command: Command, payload: Uint8Array): [string, string | undefined] {
  const decoded = decodeMessage(command, payload)
  assert.ok(!decoded.ok, command)
  return [consequenceOf(decoded.code), decoded.detail]
}

function filled(count: number, bytesEach: number): Uint8Array {
  return new ByteWriter()
    .compactSize(count)
    .bytes(new Uint8Array(count * bytesEach))
    .finish()
}

test('lists beyond their limit are answered as Core answers them', () => {
  for (const command of ['inv', 'getdata'] as const) {
    assert.ok(decodeMessage(command, filled(50_000, 36)).ok)
    assert.deepEqual(refusal(command, filled(50_001, 36)), ['discourage', `${command} message size = 50001`])
  }
  assert.deepEqual(refusal('notfound', filled(50_001, 36))[0], 'ignore')
  assert.ok(decodeMessage('headers', filled(2000, 81)).ok)
  assert.deepEqual(refusal('headers', filled(2001, 81)), ['discourage', 'headers message size = 2001'])
  assert.ok(decodeMessage('addr', filled(1000, 30)).ok)
  assert.deepEqual(refusal('addr', filled(1001, 30)), ['discourage', 'addr message size = 1001'])
  const addrv2 = encodePayload('addrv2', {
    addresses: new Array(1001).fill({
      timeSeconds: 0,
      services: 0n,
      endpoint: { address: UNSPECIFIED_ADDRESS, port: 0 },
    }),
  })
  assert.deepEqual(refusal('addrv2', addrv2), ['discourage', 'addrv2 message size = 1001'])
  for (const command of ['getblocks', 'getheaders'] as const) {
    const locator = (length: number): Uint8Array =>
      concatBytes(new Uint8Array(4), filled(length, 32), new Uint8Array(32))
    assert.ok(decodeMessage(command, locator(101)).ok)
    assert.deepEqual(refusal(command, locator(102)), ['disconnect', `${command} locator size 102 > 101`])
  }
  assert.equal(refusal('filterload', concatBytes(filled(36_001, 1), new Uint8Array(9)))[1], 'too-large bloom filter')
  assert.equal(refusal('filterload', hex(`0033000000${'00'.repeat(5)}`))[1], 'too-large bloom filter')
  assert.deepEqual(refusal('filteradd', filled(521, 1)), ['discourage', 'bad filteradd message'])
  assert.deepEqual(refusal('sendcmpct', hex('020200000000000000')), ['discourage', 'invalid sendcmpct announce field'])
  const cfheaders = concatBytes(new Uint8Array(65), filled(2001, 32))
  assert.equal(refusal('cfheaders', cfheaders)[0], 'discourage')
  assert.deepEqual(refusal('version', concatBytes(new Uint8Array(80), filled(257, 1))), [
    'ignore',
    'String length limit exceeded',
  ])
})

test('counts that cannot be there set nothing aside', () => {
  for (const command of ['inv', 'addr', 'addrv2', 'headers', 'getdata'] as const) {
    assert.deepEqual(refusal(command, hex('fe00000002'))[1]?.includes('message size') ?? false, command === 'headers')
    assert.deepEqual(refusal(command, hex('fe01000002')), ['ignore', 'ReadCompactSize(): size too large'])
    assert.deepEqual(refusal(command, hex('fd0100')), ['ignore', 'non-canonical ReadCompactSize()'])
  }
  assert.deepEqual(refusal('addrv2', new Uint8Array(0)), ['ignore', 'DataStream::read(): end of data'])
  const long = hex(`0161bc6649${'00'}01fd0102${'ab'.repeat(513)}208d`)
  assert.deepEqual(refusal('addrv2', long), ['ignore', 'Address too long: 513 > 512'])
})

test('BIP155: an unknown network does not spoil its neighbours', () => {
  const payload = hex(`0200000000019902abab208d00000000010104${'09'.repeat(4)}208d`)
  const decoded = decodeMessage('addrv2', payload)
  assert.ok(decoded.ok && decoded.value.command === 'addrv2')
  const texts = decoded.value.value.addresses.map(({ endpoint }) => formatNetEndpoint(endpoint))
  assert.deepEqual(texts, ['[::]:8333', '9.9.9.9:8333'])
})

test('BIP155: services take as many bytes as they need, and no more', () => {
  const services = (form: string): bigint | undefined => {
    const decoded = decodeMessage('addrv2', hex(`0100000000${form}010401020304208d`))
    return decoded.ok && decoded.value.command === 'addrv2' ? decoded.value.value.addresses[0].services : undefined
  }
  assert.equal(services('09'), 9n)
  assert.equal(services('fd0904'), 0x409n)
  assert.equal(services('ffffffffffffffffff'), 2n ** 64n - 1n)
  assert.equal(services('ff0000000001000000'), 2n ** 32n)
  for (const form of ['fd0900', 'ff0900000000000000', 'ffffffffff00000000']) assert.equal(services(form), undefined)
})

test('a version message may end where older ones did', () => {
  const whole = encodePayload('version', {
    version: 70016,
    services: 9n,
    timeSeconds: 1n,
    receiver: { address: UNSPECIFIED_ADDRESS, port: 0 },
    receiverServices: 0n,
    nonce: 77n,
    userAgent: '/x/',
    startHeight: 5,
    relay: false,
  })
  const at = (length: number) => {
    const decoded = decodeMessage('version', whole.subarray(0, length))
    if (!decoded.ok || decoded.value.command !== 'version') return undefined
    const { nonce, userAgent, startHeight, relay } = decoded.value.value
    return [nonce, userAgent, startHeight, relay]
  }
  assert.equal(whole.length, 89)
  assert.deepEqual(at(89), [77n, '/x/', 5, false])
  assert.deepEqual(at(88), [77n, '/x/', 5, true])
  assert.deepEqual(at(84), [77n, '/x/', -1, true])
  assert.deepEqual(at(80), [77n, '', -1, true])
  assert.deepEqual(at(46), [1n, '', -1, true])
  for (const length of [0, 45, 47, 79, 81, 86]) assert.equal(at(length), undefined, `${length}`)
})

test('BIP152: places that do not fit in 16 bits', () => {
  const request = (form: string): string | undefined => refusal('getblocktxn', hex(`${'00'.repeat(32)}${form}`))[1]
  assert.equal(request('02fdffff00'), 'differential value overflow')
  assert.equal(request('01fe00000100'), 'differential value overflow')
  const block = concatBytes(new Uint8Array(88), filled(0x10000, 6), hex('00'))
  assert.equal(refusal('cmpctblock', block)[1], 'indexes overflowed 16 bits')
})

test('names of services, and text that is safe to show', () => {
  const { NODE_NETWORK, NODE_WITNESS, NODE_P2P_V2 } = SERVICES
  assert.deepEqual(serviceNames(NODE_NETWORK | NODE_WITNESS | NODE_P2P_V2 | (1n << 63n)), [
    'NETWORK',
    'WITNESS',
    'P2P_V2',
    'UNKNOWN[2^63]',
  ])
  assert.equal(safeText('/Peers:0.1.0(a;b)/\n\x1b[31m<é>'), '/Peers:0.1.0(a;b)/31m')
  assert.equal(toHex(encodePayload('pong', { nonce: undefined })), '')
})
