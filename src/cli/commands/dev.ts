import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { toHexReversed } from '../../base/bytes/bytes.ts'
import { OperationError } from '../../base/errors.ts'
import { builtInNetwork } from '../../bitcoin/params/networks.ts'
import { decodeAddress, destinationScript } from '../../bitcoin/primitives/address.ts'
import type { Peer } from '../../node/peer.ts'
import { loadCrypto } from '../../platform/crypto.ts'
import { jsonAmount } from '../../rpc/json/json-value.ts'
import { CONF_FILE, daemonConfig } from '../daemon-config.ts'
import { daemonOptions } from '../daemon-options.ts'
import { DEV_KEY } from '../dev-key.ts'
import { runDaemon } from '../run-daemon.ts'
import { type ScriptBalance, scriptBalance } from '../script-balance.ts'
import { peersVersion } from '../version.ts'

export interface DevOptions {
  readonly folder?: string
  readonly rpcPort?: number
  /** Least height to mine to. */
  readonly blocks: number
  readonly json?: boolean
}

/** Hashes tried for a block before giving up; on regtest every other one is right. */
const TRIES_MAX = 1_000_000

/** First line of a configuration file that is ours to replace. */
const CONF_MARK = '# Written by peers dev, anew at every start.'

/** Whether a port of this machine is free now. */
function isFree(port: number): Promise<boolean> {
  return new Promise(resolveFree => {
    const server = createServer()
    server.once('error', () => resolveFree(false))
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolveFree(true)))
  })
}

function anyFreePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = server.address()
      server.close(() => resolvePort(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** The port that was asked for, else regtest's own, else any. */
async function choosePort(wanted: number | undefined): Promise<number> {
  const usual = builtInNetwork('regtest')!.rpcPort
  if (wanted !== undefined) {
    if (await isFree(wanted)) return wanted
    throw new OperationError('port-taken', `port ${wanted} of this machine is taken`, {
      next: 'choose another with --rpc-port, or leave it out',
    })
  }
  return (await isFree(usual)) ? usual : anyFreePort()
}

/** Lets `peers cli -datadir=<folder>` find the chain without more words. */
function writeConf(folder: string, port: number): void {
  const path = join(folder, CONF_FILE)
  if (existsSync(path) && !readFileSync(path, 'utf8').startsWith(CONF_MARK)) return
  writeFileSync(path, `${CONF_MARK}\nregtest=1\n[regtest]\nrpcport=${port}\n`)
}

function devScript(): Uint8Array {
  const decoded = decodeAddress(DEV_KEY.address, builtInNetwork('regtest')!.addresses)
  if (!decoded.ok) throw new Error('the published address is wrong')
  return destinationScript(decoded.destination)
}

/** Mines until the chain has a height, and adds up what the test key owns. */
async function prepare(peer: Peer, blocks: number): Promise<ScriptBalance> {
  const script = devScript()
  await peer.ledger.started
  const missing = blocks - peer.ledger.tip.height
  if (missing > 0) await peer.ledger.generate(missing, script, missing * TRIES_MAX)
  return scriptBalance(peer.ledger, await loadCrypto(), script, peer.ledger.tip.height)
}

interface Ready {
  readonly folder: string
  readonly temporary: boolean
  readonly port: number
}

function reportJson(peer: Peer, balance: ScriptBalance, ready: Ready, seconds: number): string {
  const { tip } = peer.ledger
  return JSON.stringify({
    version: peersVersion(),
    network: peer.network.name,
    readySeconds: seconds,
    height: tip.height,
    bestBlock: toHexReversed(tip.hash),
    key: { wif: DEV_KEY.wif, address: DEV_KEY.address },
    balance,
    rpc: { host: '127.0.0.1', port: ready.port, cookie: join(ready.folder, 'regtest', '.cookie') },
    folder: ready.folder,
    temporary: ready.temporary,
    pid: process.pid,
  })
}

function bitcoin(sats: number): string {
  return jsonAmount(sats).text
}

function reportText(peer: Peer, balance: ScriptBalance, ready: Ready, seconds: number): string {
  const { folder, temporary, port } = ready
  return [
    `peers ${peersVersion()}  ${peer.network.name}  ready in ${seconds.toFixed(1)} s`,
    `balance   ${bitcoin(balance.spendableSats)} BTC (test coins), ${bitcoin(balance.immatureSats)} BTC immature   ` +
      `height ${peer.ledger.tip.height}`,
    `test key  ${DEV_KEY.wif} (everybody knows it)`,
    `address   ${DEV_KEY.address}`,
    `rpc       127.0.0.1:${port}   cookie ${join(folder, 'regtest', '.cookie')}`,
    `try       npx peers-node cli -datadir=${folder} getblockchaininfo`,
    `stop      Ctrl-C${temporary ? ' (the chain goes with it; keep one with --folder)' : ''}`,
  ].join('\n')
}

/** `peers dev`: a development chain, until it is stopped. */
export async function dev(options: DevOptions): Promise<number> {
  const temporary = options.folder === undefined
  const folder = options.folder === undefined ? mkdtempSync(join(tmpdir(), 'peers-dev-')) : resolve(options.folder)
  mkdirSync(folder, { recursive: true })
  try {
    const port = await choosePort(options.rpcPort)
    const words = [
      '-regtest',
      `-datadir=${folder}`,
      '-noconf',
      `-rpcport=${port}`,
      '-printtoconsole=0',
      '-listen=0',
      '-connect=0',
    ]
    const config = daemonConfig(words)
    const ready = { folder, temporary, port }
    await runDaemon(config, daemonOptions(config), {
      onLocked: () => writeConf(folder, port),
      async onReady(peer) {
        const balance = await prepare(peer, options.blocks)
        const seconds = Math.round(performance.now()) / 1000
        const report = options.json ? reportJson : reportText
        process.stdout.write(`${report(peer, balance, ready, seconds)}\n`)
      },
    })
  } finally {
    if (temporary) rmSync(folder, { recursive: true, force: true })
  }
  return 0
}
