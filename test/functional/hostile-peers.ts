/**
 * Peers of the worst kinds, as a program of its own, so that whoever measures a node beside it is not slowed down with it:
 *
 *     node --import tsx test/functional/hostile-peers.ts PORT COUNT SEED
 *
 * Runs until it is ended; then, or at the end of its standard input, it writes how often each kind connected and what it sent.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { concatBytes } from '../../src/base/bytes/bytes.ts'
import type { Random } from '../../src/base/ports/random.ts'
import { seededRandom } from '../../src/base/ports/seeded-random.ts'
import { solveBlock } from '../../src/bitcoin/mining/assemble-block.ts'
import { builtInNetwork } from '../../src/bitcoin/params/networks.ts'
import { encodeHeader } from '../../src/bitcoin/primitives/block.ts'
import { INVENTORY } from '../../src/bitcoin/wire/inventory-messages.ts'
import { WIRE_LIMITS } from '../../src/bitcoin/wire/limits.ts'
import { type Command, decodeMessage, encodePayload, type Messages } from '../../src/bitcoin/wire/messages.ts'
import { UNSPECIFIED_ADDRESS } from '../../src/bitcoin/wire/net-address.ts'
import { V1Transport } from '../../src/bitcoin/wire/v1-transport.ts'
import { PROTOCOL_VERSION } from '../../src/bitcoin/wire/version-message.ts'
import { loadCrypto } from '../../src/platform/crypto.ts'

const PAUSE_MS = 200
const BURST_BYTES = 64 * 1024
const crypto = await loadCrypto()
const params = builtInNetwork('regtest')!

function frame(command: string, payload: Uint8Array): Uint8Array {
  return concatBytes(...new V1Transport({ magic: params.magic, hash: crypto }).send(command, payload))
}

function message<C extends Command>(command: C, value: Messages[C]): Uint8Array {
  return frame(command, encodePayload(command, value))
}

/** As many copies of a message as make up a burst, one at least. */
function burst(bytes: Uint8Array): Uint8Array {
  return concatBytes(...Array.from({ length: Math.max(1, Math.floor(BURST_BYTES / bytes.length)) }, () => bytes))
}

function version(): Uint8Array {
  return message('version', {
    version: PROTOCOL_VERSION,
    services: 9n,
    timeSeconds: BigInt(Math.floor(Date.now() / 1000)),
    receiver: { address: UNSPECIFIED_ADDRESS, port: 0 },
    receiverServices: 0n,
    nonce: BigInt(Math.floor(Math.random() * 2 ** 40)),
    userAgent: '/hostile/',
    startHeight: 1_000_000,
    relay: true,
  })
}

/** Headers with the least work, one upon the other, from the genesis block on. */
function lowWorkHeaders(count: number, random: Random): Uint8Array {
  const headers = new Uint8Array(80 * count)
  const { bits, time } = params.genesisHeader
  let previous = params.genesisHash
  for (let i = 0; i < count; i++) {
    const merkleRoot = random.bytes(32)
    const header = encodeHeader({ version: 4, previous, merkleRoot, time: time + 1 + i, bits, nonce: 0 })
    solveBlock(header, bits, 0x1_0000_0000, crypto)
    headers.set(header, 80 * i)
    previous = crypto.sha256d(header)
  }
  return headers
}

const connections = new Map<string, number>()
const sentBytes = new Map<string, number>()

function count(map: Map<string, number>, kind: string, amount: number): void {
  map.set(kind, (map.get(kind) ?? 0) + amount)
}

/** A socket that a kind of attack has to itself. */
class Attack {
  readonly kind: string
  readonly socket: Socket
  readonly random: Random

  constructor(kind: string, socket: Socket, random: Random) {
    this.kind = kind
    this.socket = socket
    this.random = random
  }

  get isOver(): boolean {
    return this.socket.destroyed
  }

  /** Writes, and waits until the other side has taken it. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.isOver) return
    count(sentBytes, this.kind, bytes.length)
    if (!this.socket.write(bytes)) await this.untilDrained()
    else await this.pause(0)
  }

  /** Waits until what was written has gone out, or the connection is over. */
  async untilDrained(): Promise<void> {
    const { socket } = this
    await new Promise<void>(resolve => {
      const end = (): void => {
        socket.off('drain', end)
        socket.off('close', end)
        resolve()
      }
      socket.on('drain', end)
      socket.on('close', end)
    })
  }

  async pause(ms: number): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, ms))
  }

  async greet(): Promise<void> {
    await this.write(concatBytes(version(), message('verack', {})))
  }

  /** Says the same over and over. */
  async flood(make: () => Uint8Array): Promise<void> {
    await this.greet()
    while (!this.isOver) await this.write(make())
  }
}

const random = seededRandom(Number(process.argv[4] ?? 1))
const lowWork = lowWorkHeaders(WIRE_LIMITS.headersMax, random)
const pings = burst(message('ping', { nonce: 1n }))
const headers = message('headers', { headers: lowWork })
const strayHeaders = message('headers', { headers: lowWork.subarray(80 * 1000) })
const locator = Array.from({ length: WIRE_LIMITS.locatorHashesMax }, () => random.bytes(32))
const questions = burst(message('getheaders', { version: PROTOCOL_VERSION, locator, stopHash: new Uint8Array(32) }))

function addresses(from: Random): Uint8Array {
  const list = Array.from({ length: WIRE_LIMITS.addressesMax }, () => ({
    timeSeconds: Math.floor(Date.now() / 1000),
    services: 9n,
    endpoint: { address: { network: 'ipv4', bytes: from.bytes(4) }, port: 8333 } as const,
  }))
  return message('addr', { addresses: list })
}

/** What the node answers getheaders with: hashes of its blocks. */
async function knownBlocks(attack: Attack): Promise<Uint8Array[]> {
  const transport = new V1Transport({ magic: params.magic, hash: crypto })
  const found: Uint8Array[] = []
  const answered = new Promise<void>(resolve => {
    attack.socket.on('close', () => resolve())
    attack.socket.on('data', (chunk: Buffer) => {
      for (const event of found.length > 0 ? [] : transport.receive(new Uint8Array(chunk))) {
        if (event.type !== 'message' || event.command !== 'headers') continue
        const decoded = decodeMessage(event.command, event.payload)
        if (!decoded.ok || decoded.value.command !== 'headers') continue
        const packed = decoded.value.value.headers
        for (let at = 0; at < packed.length; at += 80) found.push(crypto.sha256d(packed.subarray(at, at + 80)))
        resolve()
      }
    })
  })
  const stopHash = new Uint8Array(32)
  const question = message('getheaders', { version: PROTOCOL_VERSION, locator: [params.genesisHash], stopHash })
  await attack.write(question)
  await answered
  return found
}

async function askForBlocks(attack: Attack): Promise<void> {
  await attack.greet()
  const hashes = await knownBlocks(attack)
  if (hashes.length === 0) return
  const entries = Array.from({ length: 1000 }, (_, i) => ({
    type: INVENTORY.MSG_WITNESS_BLOCK,
    hash: hashes[hashes.length - 1 - (i % hashes.length)],
  }))
  const request = message('getdata', { entries })
  while (!attack.isOver) await attack.write(request)
}

const KINDS: Readonly<Record<string, (attack: Attack) => Promise<void>>> = {
  async garbage(attack) {
    while (!attack.isOver) await attack.write(attack.random.bytes(4096))
  },
  async 'slow handshake'(attack) {
    for (const byte of version()) {
      await attack.write(Uint8Array.of(byte))
      await attack.pause(500)
      if (attack.isOver) return
    }
  },
  async silent(attack) {
    await once(attack.socket, 'close')
  },
  pings: attack => attack.flood(() => pings),
  addresses: attack => attack.flood(() => addresses(attack.random)),
  async inventory(attack) {
    const entries = Array.from({ length: 2000 }, () => ({ type: INVENTORY.MSG_BLOCK, hash: attack.random.bytes(32) }))
    const inv = message('inv', { entries })
    await attack.flood(() => inv)
  },
  headers: attack => attack.flood(() => (attack.random.below(2) === 0 ? headers : strayHeaders)),
  questions: attack => attack.flood(() => questions),
  blocks: askForBlocks,
  async 'blocks unread'(attack) {
    const asking = askForBlocks(attack)
    await attack.pause(3000)
    // From here on nothing is taken of what was asked for.
    attack.socket.pause()
    await asking
  },
  async 'half messages'(attack) {
    await attack.greet()
    const whole = frame('block', new Uint8Array(3_000_000))
    await attack.write(whole.subarray(0, 1_500_000))
    await once(attack.socket, 'close')
  },
  async 'false blocks'(attack) {
    await attack.greet()
    await attack.write(frame('block', concatBytes(lowWork.subarray(0, 80), attack.random.bytes(100_000))))
    const changed = lowWork.slice(0, 80)
    changed[70] ^= 1
    await attack.write(message('headers', { headers: changed }))
    await once(attack.socket, 'close')
  },
  async reconnecting(attack) {
    await attack.greet()
    attack.socket.destroy()
  },
}

async function keepAttacking(kind: string, port: number, own: Random): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined)
    if (!socket.destroyed) {
      count(connections, kind, 1)
      socket.resume()
      await KINDS[kind](new Attack(kind, socket, own)).catch(() => undefined)
      socket.destroy()
    }
    await new Promise(resolve => setTimeout(resolve, PAUSE_MS + own.below(PAUSE_MS)))
  }
}

const names = Object.keys(KINDS)
for (let i = 0; i < Number(process.argv[3]); i++) {
  void keepAttacking(names[i % names.length], Number(process.argv[2]), seededRandom(random.below(2 ** 32)))
}
process.stdin.resume()
process.stdin.on('end', () => {
  const kinds = names.map(kind => ({
    kind,
    connections: connections.get(kind) ?? 0,
    sentBytes: sentBytes.get(kind) ?? 0,
  }))
  process.stdout.write(JSON.stringify(kinds), () => process.exit(0))
})
