import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { readCookie } from '../src/rpc/cookie.ts'
import { Daemon } from '../test/daemon.ts'
import { median, type Row, spread } from './table.ts'

const RUNS = 5
const CALL_MS = 2000
const BODY = '{"jsonrpc":"1.0","id":1,"method":"getblockcount","params":[]}'
/** An address without a known key: nobody spends here. */
const ADDRESS = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202'

function post(agent: Agent, port: number, credentials: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(
      { agent, host: '127.0.0.1', port, method: 'POST', auth: credentials, headers: { 'Content-Length': BODY.length } },
      response => {
        response.resume()
        response.on('end', resolve)
      },
    )
    call.on('error', reject)
    call.end(BODY)
  })
}

/** Calls a second over a number of keep-alive connections; the client shares the machine with the server. */
async function callRate(daemon: Daemon, connections: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const credentials = readCookie(join(daemon.folder, 'regtest', '.cookie'))!
  const start = performance.now()
  let calls = 0
  const loop = async (): Promise<void> => {
    while (performance.now() - start < CALL_MS) {
      await post(agent, daemon.rpcPort, credentials)
      calls++
    }
  }
  await Promise.all(Array.from({ length: connections }, loop))
  agent.destroy()
  return (calls * 1000) / (performance.now() - start)
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
