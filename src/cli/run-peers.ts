import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { NETWORK_NAMES } from '../bitcoin/params/networks.ts'
import { UsageError } from './read-flags.ts'
import { EXIT_USAGE, reportError } from './report-error.ts'
import { addSwarmCommands } from './swarm/add-swarm-commands.ts'
import { parseLimit } from './swarm/parse-values.ts'
import { peersVersion } from './version.ts'

const PORT_MAX = 65_535
const BLOCKS_MAX = 100_000

function whole(least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
    }
    return value
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 }

/** Bytes of a size such as 500MB or 10GB. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([KMGT]?)B?$/i.exec(text)
  if (match === null) throw new InvalidArgumentError('It must be a size such as 500MB or 10GB.')
  return Math.round(Number(match[1]) * UNITS[match[2].toUpperCase()])
}

function networkOption(): Option {
  return new Option('-n, --network <name>', 'the network').choices([...NETWORK_NAMES])
}

const RPC_PORT = ['--rpc-port <port>', 'port for JSON-RPC on this machine'] as const
const JSON_OUTPUT = ['--json', 'output for programs'] as const

/** Runs one of the commands; each is loaded when it is called. */
type Runner = (options: never) => Promise<number>

function program(
  run: (load: () => Promise<Runner>, options: { json?: boolean }) => Promise<void>,
  writeErr: (text: string) => void,
): Command {
  const peers = new Command('peers')
    .description('An equal in the Bitcoin network and in BitTorrent swarms, with no server anywhere.')
    .version(peersVersion(), '-V, --version')
    .exitOverride()
    .showHelpAfterError('(peers --help shows all commands, peers <command> --help one)')
    .configureOutput({ writeErr })
  peers
    .command('dev')
    .description('run a development chain: regtest, with blocks mined to a published test key, ready for RPC')
    .option('-f, --folder <folder>', 'where to keep it (default: a fresh folder that goes when the chain stops)')
    .option(...RPC_PORT, whole(1, PORT_MAX))
    .option('-b, --blocks <count>', 'least height to mine to', whole(0, BLOCKS_MAX), 101)
    .option(...JSON_OUTPUT)
    .action(options => run(async () => (await import('./commands/dev.ts')).dev, options))
  peers
    .command('start')
    .description('run a peer until it is stopped')
    .addOption(networkOption().makeOptionMandatory())
    .option('-f, --folder <folder>', 'data folder (default: .peers in the home folder)')
    .option('--storage <size>', 'keep only the newest blocks, within this size (least: 577MB)', parseSize)
    .option('--memory <size>', 'memory for coins and stores', parseSize)
    .option('--threads <count>', 'threads that check scripts', whole(1, 16))
    .option('--import <file...>', 'take in blocks from these files')
    .option('--port <port>', 'port for other peers', whole(1, PORT_MAX))
    .option('--no-listen', 'take no connections')
    .option('--peer <host:port...>', 'keep connections to these peers, besides those that are found')
    .option('--connect <host:port...>', 'connect to these peers alone (0: to nobody)')
    .option('--proxy <host:port>', 'connect through this SOCKS5 proxy, such as that of Tor')
    .option('--swarm-port <port>', 'port for torrents (default: 6881, or any free one)', whole(0, PORT_MAX))
    .option('--swarm-up <rate>', 'torrents upload at most this much, such as 1MB/s; 0 for no limit; kept', parseLimit)
    .option('--swarm-down <rate>', 'torrents download at most this much; 0 for no limit; kept', parseLimit)
    .option('--swarm-allow-private', 'let torrents name trackers and web seeds on private networks')
    .option('--no-swarm', 'have no torrents')
    .option(...RPC_PORT, whole(1, PORT_MAX))
    .option(...JSON_OUTPUT)
    .action(options => run(async () => (await import('./commands/start.ts')).start, options))
  peers
    .command('stop')
    .description('stop a running peer in good order')
    .addOption(networkOption())
    .option('-f, --folder <folder>', 'its data folder (default: .peers in the home folder)')
    .option(...RPC_PORT, whole(1, PORT_MAX))
    .option(...JSON_OUTPUT)
    .action(options => run(async () => (await import('./commands/stop.ts')).stop, options))
  peers
    .command('status')
    .description('tell how far a running peer is, whom it is connected to, and what it gives and takes')
    .addOption(networkOption())
    .option('-f, --folder <folder>', 'its data folder (default: .peers in the home folder)')
    .option(...RPC_PORT, whole(1, PORT_MAX))
    .option('-w, --watch', 'go on telling until Ctrl-C')
    .option(...JSON_OUTPUT)
    .action(options => run(async () => (await import('./commands/status.ts')).status, options))
  peers
    .command('cli')
    .description(
      'call an RPC method as bitcoin-cli does: peers cli [-regtest …] getblockcount; peers cli -help shows more',
    )
    .helpOption(false)
    .allowUnknownOption()
    .argument('[words...]')
  peers
    .command('doctor')
    .description('look at what this machine offers: cryptography, store, disk, ports')
    .option('-f, --folder <folder>', 'data folder (default: .peers in the home folder)')
    .option(...JSON_OUTPUT)
    .action(options => run(async () => (await import('./commands/doctor.ts')).doctor, options))
  addSwarmCommands(peers, (command, options) => run(async () => command, options))
  return peers
}

/** `peers …`; the exit status. */
export async function runPeers(argv: readonly string[]): Promise<number> {
  let status = 0
  // Where the words make no sense, this much can still be seen of them.
  const isForProgram = argv.includes('--json')
  const peers = program(
    async (load, options) => {
      try {
        const runner = await load()
        status = await runner(options as never)
      } catch (error) {
        status = reportError(error, { json: options.json ?? false })
      }
    },
    text => {
      if (!isForProgram) process.stderr.write(text)
    },
  )
  if (argv.length <= 2) {
    peers.outputHelp({ error: true })
    return EXIT_USAGE
  }
  try {
    await peers.parseAsync(argv)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    if (isForProgram) reportError(new UsageError(error.message.replace(/^error: /, '')), { json: true })
    return EXIT_USAGE
  }
  return status
}
