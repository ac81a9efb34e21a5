import { readFileSync } from 'node:fs'
import { OperationError } from '../../base/errors.ts'
import { builtInNetwork } from '../../bitcoin/params/networks.ts'
import { RpcClient } from '../../rpc/client.ts'
import { readCookie } from '../../rpc/cookie.ts'
import { type Json, JsonObject } from '../../rpc/json/json-value.ts'
import { writeJson } from '../../rpc/json/write-json.ts'
import { CLI_FLAG_HELP, CLI_FLAGS } from '../cli-flags.ts'
import { ArgumentError, convertArguments, convertNamedArguments } from '../convert-arguments.ts'
import { readConfiguration } from '../daemon-config.ts'
import { NETWORK_ONLY_FLAGS } from '../daemon-flags.ts'
import { helpOfFlags } from '../daemon-help.ts'
import { networkFolder } from '../data-folder.ts'
import { readCommandLine, UsageError } from '../read-flags.ts'
import { cookiePath, splitHostPort } from '../rpc-options.ts'
import { Settings } from '../settings.ts'
import { peersVersion } from '../version.ts'

const DEFAULT_TIMEOUT_SECONDS = 900
const RETRY_MS = 1000
const IN_WARMUP = -28
const WALLET_NOT_SPECIFIED = -19

/** The call failed before there was an answer, in a way that another try may mend. */
class ConnectionFailed extends Error {}

interface Target {
  readonly client: RpcClient
  readonly host: string
  readonly port: number
  /** Why an answer of 401 is no surprise, in bitcoin-cli's words. */
  readonly unauthorized: string
}

function writeError(text: string): void {
  process.stderr.write(`${text}\n`)
}

function target(settings: Settings, defaultPort: number, folder: string, confPath: string | undefined): Target {
  const connect = settings.text('rpcconnect') ?? '127.0.0.1'
  const split = splitHostPort(connect)
  if (split === undefined) throw new Error(`Invalid port provided in -rpcconnect: ${connect}`)
  const portText = settings.text('rpcport')
  const portGiven = portText === undefined ? undefined : Number(portText)
  if (portText !== undefined && !(/^\d+$/.test(portText) && portGiven! > 0 && portGiven! < 65_536)) {
    throw new Error(`Invalid port provided in -rpcport: ${portText}`)
  }
  if (portGiven !== undefined && split.port !== undefined) {
    writeError(`Warning: Port specified in both -rpcconnect and -rpcport. Using -rpcport ${portGiven}`)
  }
  const port = portGiven ?? split.port ?? defaultPort
  const password = settings.text('rpcpassword') ?? ''
  const path = cookiePath(settings, folder)
  const cookie = password === '' && path !== undefined ? readCookie(path) : undefined
  const reason =
    password !== ''
      ? 'Incorrect rpcuser or rpcpassword were specified.'
      : path === undefined
        ? 'Cookie file was disabled via -norpccookiefile and no rpcpassword was specified.'
        : cookie === undefined
          ? 'Failed to read cookie file and no rpcpassword was specified.'
          : 'Cookie file credentials were invalid and no rpcpassword was specified.'
  const wallet = settings.text('rpcwallet')
  const timeoutSeconds = settings.int('rpcclienttimeout') ?? DEFAULT_TIMEOUT_SECONDS
  return {
    client: new RpcClient({
      host: split.host,
      port,
      credentials: password === '' ? (cookie ?? '') : `${settings.text('rpcuser') ?? ''}:${password}`,
      ...(wallet !== undefined && { wallet }),
      timeoutMs: Math.max(timeoutSeconds, 0) * 1000,
    }),
    host: split.host,
    port,
    unauthorized: `Authorization failed: ${reason} Configuration file: (${confPath ?? ''})`,
  }
}

/** Sends a request; the answer, or an error that says what bitcoin-cli says. */
async function send({ client, host, port, unauthorized }: Target, request: Json): Promise<JsonObject> {
  try {
    const answer = await client.send(request)
    if (answer instanceof JsonObject) return answer
    throw new Error('expected reply to have result, error and id properties')
  } catch (error) {
    if (!(error instanceof OperationError)) throw error
    if (error.code === 'rpc-unauthorized') throw new Error(unauthorized)
    if (error.code !== 'rpc-unreachable') throw new Error(error.message)
    const cause = (error.cause as Error | undefined)?.message
    throw new ConnectionFailed(
      `Error while attempting to communicate with server ${host}:${port}${cause ? ` (${cause})` : ''}\n\n` +
        'Make sure the bitcoind server is running and that you are connecting to the correct RPC port.\n' +
        'Use "peers cli -help" for more info.',
    )
  }
}

function errorCode(answer: JsonObject): number {
  const error = answer.get('error')
  return error instanceof JsonObject ? Number(writeJson(error.get('code') ?? 0)) : 0
}

/** Sends a request, with -rpcwait until the node is ready. */
async function sendPatiently(settings: Settings, makeTarget: () => Target, request: Json): Promise<JsonObject> {
  const waits = settings.bool('rpcwait') ?? false
  const timeoutSeconds = settings.int('rpcwaittimeout') ?? 0
  const deadline = timeoutSeconds > 0 ? performance.now() + timeoutSeconds * 1000 : Number.POSITIVE_INFINITY
  for (;;) {
    // The cookie may be written, or change, while we wait.
    const found = makeTarget()
    try {
      const answer = await send(found, request)
      if (waits && errorCode(answer) === IN_WARMUP) throw new ConnectionFailed('server in warmup')
      return answer
    } catch (error) {
      if (!waits || !(error instanceof ConnectionFailed)) throw error
      if (performance.now() >= deadline) throw new Error(`timeout on transient error: ${error.message}`)
      await new Promise(resolve => setTimeout(resolve, RETRY_MS))
    } finally {
      found.client.close()
    }
  }
}

/** Shows an answer; the exit status. */
function show(answer: JsonObject): number {
  const error = answer.get('error') ?? null
  if (error === null) {
    const result = answer.get('result') ?? null
    if (result !== null) process.stdout.write(`${typeof result === 'string' ? result : writeJson(result, 2)}\n`)
    return 0
  }
  if (!(error instanceof JsonObject)) {
    writeError(`error: ${writeJson(error)}`)
    return 1
  }
  const code = errorCode(answer)
  const more =
    code === WALLET_NOT_SPECIFIED
      ? ' Or for the CLI, specify the "-rpcwallet=<walletname>" option before the command'
      : ''
  writeError(`error code: ${code}\nerror message:\n${String(error.get('message'))}${more}`)
  return Math.abs(code)
}

function help(): string {
  return (
    `Peers RPC client version v${peersVersion()}\n\n` +
    'Usage: peers cli [options] <command> [params]\n' +
    'or:    peers cli [options] -named <command> [name=value]...\n' +
    'or:    peers cli [options] help [command]\n\n' +
    `${helpOfFlags(CLI_FLAG_HELP)}\n`
  )
}

function stdinLines(): string[] {
  const lines = readFileSync(0, 'utf8').split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map(line => line.replace(/\r$/, ''))
}

/** Takes password and arguments from the standard input, where that is asked for. */
function takeInput(settings: Settings, words: string[]): void {
  const wantsPassword = settings.bool('stdinrpcpass') ?? false
  const wantsArguments = settings.bool('stdin') ?? false
  if (!wantsPassword && !wantsArguments) return
  const lines = stdinLines()
  if (wantsPassword) {
    const password = lines.shift()
    if (password === undefined) throw new Error('-stdinrpcpass specified but failed to read from standard input')
    settings.commandLine.set('rpcpassword', [password])
  }
  if (wantsArguments) words.push(...lines)
}

/** `peers cli …`: bitcoin-cli's flags, conversions, output and exit status. Returns the exit status. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const settings = new Settings(NETWORK_ONLY_FLAGS)
  let words: string[]
  try {
    words = [...readCommandLine(argv, CLI_FLAGS, settings, () => undefined)]
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    writeError(`Error parsing command line arguments: ${error.message}`)
    return 1
  }
  if (settings.bool('version')) {
    process.stdout.write(`Peers RPC client version v${peersVersion()}\n`)
    return 0
  }
  if (argv.length === 0 || ['?', 'h', 'help'].some(name => settings.isSet(name))) {
    process.stdout.write(help())
    if (argv.length > 0) return 0
    writeError('Error: too few parameters')
    return 1
  }
  try {
    const { networkName, folder, confPath } = readConfiguration(settings, CLI_FLAGS)
    const missing = [...CLI_FLAGS].find(([name, kind]) => kind.effect === 'missing' && settings.bool(name))
    if (missing !== undefined) throw new Error(`-${missing[0]} is not supported yet`)
    takeInput(settings, words)
    const [method, ...texts] = words
    if (method === undefined) throw new Error('too few parameters (need at least command)')
    const params = settings.bool('named') ? convertNamedArguments(method, texts) : convertArguments(method, texts)
    const request = { jsonrpc: '2.0', id: settings.text('rpcid') ?? '1', method, params }
    const ownFolder = networkFolder(folder, networkName)
    const { rpcPort } = builtInNetwork(networkName)!
    const makeTarget = (): Target => target(settings, rpcPort, ownFolder, confPath)
    return show(await sendPatiently(settings, makeTarget, request))
  } catch (error) {
    if (error instanceof UsageError) {
      const prefix = error.message.startsWith('Error reading configuration file') ? '' : 'Error: '
      writeError(`${prefix}${error.message}`)
    } else if (error instanceof ArgumentError || error instanceof Error) writeError(`error: ${error.message}`)
    return 1
  }
}
