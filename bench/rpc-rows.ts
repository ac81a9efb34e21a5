import { connect } from 'node:net'
import { join } from 'node:path'
import { readCookie } from '../src/rpc/cookie.ts'
import { Daemon } from '../test/daemon.ts'
import { median, type Row, spread } from './table.ts'

const RUNS = 5
const CALL_MS = 2000
const BODY = '{"jsonrpc":"1.0","id":1,"method":"getblockcount","params":[]}'
/** An address without a known key: nobody spends here. */
const ADDRESS = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202'

/**
 * One keep-alive connection that asks again as soon as it has its answer, until told to stop; how often it was answered. It speaks HTTP
 * by hand: the client shares two cores with the server, and Node's own would take more of them than the server does.
 */
function askAgainAndAgain(port: number, credentials: string, isOver: () => boolean): Promise<number> {
  const authorization = Buffer.from(credentials).toString('base64')
  const question =
    `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic ${authorization}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
  return new Promise((resolve, reject) => {
    let answers = 0
    let received = ''
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => socket.write(question))
    socket.on('error', reject)
    socket.on('data', data => {
      received += data.toString('latin1')
      const end = received.indexOf('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(received)?.[1]
      if (end < 0 || length === undefined || received.length < end + 4 + Number(length)) return
      if (!received.startsWith('HTTP/1.1 200') || !received.includes('"result":101')) {
        reject(new Error(received.slice(0, 200)))
        return
      }
      received = ''
      answers++
      if (!isOver()) socket.write(question)
      else socket.end(() => resolve(answers))
    })
  })
}

/** Calls a second over a number of keep-alive connections. */
async function callRate(daemon: Daemon, connections: number): Promise<number> {
  const credentials = readCookie(join(daemon.folder, 'regtest', '.cookie'))!
  const start = performance.now()
  const isOver = (): boolean => performance.now() - start >= CALL_MS
  const counts = await Promise.all(
    Array.from({ length: connections }, () => askAgainAndAgain(daemon.rpcPort, credentials, isOver)),
  )
  return (counts.reduce((sum, count) => sum + count, 0) * 1000) / (performance.now() - start)
}

/** Starting, generating blocks, and small calls. */
export async function rpcRows(): Promise<Row[]> {
  const startMs: number[] = []
  const generateMs: number[] = []
  const one: number[] = []
  const eight: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const daemon = await Daemon.create()
    try {
      // The second start is the usual one: the first makes the folder.
      await daemon.start()
      await daemon.stop()
      const start = performance.now()
      const client = await daemon.start()
      startMs.push(performance.now() - start)
      const before = performance.now()
      await client.call('generatetoaddress', [101, ADDRESS])
      generateMs.push(performance.now() - before)
      one.push(await callRate(daemon, 1))
      eight.push(await callRate(daemon, 8))
      client.close()
      await daemon.stop()
    } finally {
      await daemon.remove()
    }
  }
  const row = (name: string, values: readonly number[], unit: string, aim: string, beside: string): Row => ({
    name,
    value: `${median(values).toFixed(0)} ${unit} (${spread(values, 0)})`,
    beside,
    aim,
  })
  return [
    row('process start to RPC ready', startMs, 'ms', '≤ 300 ms', 'bitcoind 140'),
    row('generatetoaddress 101', generateMs, 'ms', '≤ 100 ms', 'bitcoind 31–45'),
    row('getblockcount a second, one connection', one, '', '≥ 2,900', 'bitcoind 5,800'),
    row('getblockcount a second, eight connections', eight, '', '≥ 9,500', 'bitcoind 19,000'),
  ]
}
