import { type Command, Option } from 'commander'
import { NETWORK_NAMES } from '../../bitcoin/params/networks.ts'
import {
  collectPeers,
  collectText,
  collectTrackers,
  collectWebSeeds,
  parseLimit,
  parsePieceLength,
  parsePort,
  parseRate,
} from './parse-values.ts'

/** Runs a command that has been loaded; says what went wrong, and keeps the exit status. */
export type RunCommand = (command: () => Promise<number>, options: { readonly json?: boolean }) => Promise<void>

const JSON_OUTPUT = ['--json', 'output for programs'] as const

function formatOption(): Option {
  return new Option('--format <format>', 'which kind of torrent').choices(['v1', 'v2', 'hybrid']).default('hybrid')
}

function withPeerOptions(command: Command): Command {
  return command
    .addOption(new Option('-n, --network <name>', 'the network of the running peer').choices([...NETWORK_NAMES]))
    .option('-f, --folder <folder>', 'its data folder (default: .peers in the home folder)')
    .option('--rpc-port <port>', 'its port for JSON-RPC', parsePort)
    .option(...JSON_OUTPUT)
}

function withClientOptions(command: Command): Command {
  return command
    .option('--peer <host:port>', 'a peer to call at once (repeatable)', collectPeers)
    .option('--tracker <url>', 'a tracker to announce to (repeatable)', collectTrackers)
    .option('--port <port>', 'where to listen (default: any free port)', parsePort)
    .option('--up <rate>', 'upload at most this much, such as 1MB/s', parseRate)
    .option('--down <rate>', 'download at most this much', parseRate)
    .option('--no-dht', 'find peers without the DHT (there is none yet: accepted for scripts)')
    .option('--allow-private', 'let the torrent name trackers and web seeds on private networks')
    .option('--state <folder>', 'where to remember progress (default: .peers/swarm in the home folder)')
}

/** Options of commands that a running peer carries out where there is one. */
function withSwarmOptions(command: Command): Command {
  return withPeerOptions(withClientOptions(command)).option(
    '--alone',
    'do it here, though a peer runs (so do --port and --state)',
  )
}

function addTorrentCommands(peers: Command, run: RunCommand): void {
  const torrent = peers.command('torrent').description('make, show and check .torrent files')
  torrent
    .command('create')
    .description('make a .torrent file of a file or folder')
    .argument('<path>')
    .addOption(formatOption())
    .option('--piece-length <size>', 'such as 256K (default: by size)', parsePieceLength)
    .option('--private', 'peers come from its trackers alone')
    .option('--tracker <url>', 'a tracker (repeatable)', collectTrackers)
    .option('--web-seed <url>', 'where the files also are on the web (repeatable)', collectWebSeeds)
    .option('--comment <text>', 'a comment')
    .option('-o, --output <file>', 'where to write it (default: the name, with .torrent)')
    .option(...JSON_OUTPUT)
    .action((path, options) =>
      run(async () => (await import('./torrent-commands.ts')).createTorrent(path, options), options),
    )
  torrent
    .command('show')
    .description('show what a .torrent file says')
    .argument('<file>')
    .option(...JSON_OUTPUT)
    .action((file, options) =>
      run(async () => (await import('./torrent-commands.ts')).showTorrent(file, options), options),
    )
  torrent
    .command('verify')
    .description('check files against a .torrent file')
    .argument('<file>')
    .argument('[folder]', 'where the files are (default: here)')
    .option(...JSON_OUTPUT)
    .action((file, folder, options) =>
      run(async () => (await import('./torrent-commands.ts')).verifyTorrent(file, folder, options), options),
    )
}

type SwarmCommands = typeof import('./swarm-commands.ts')

/** Commands for the torrents of a running peer. */
function addRunningCommands(peers: Command, run: RunCommand): void {
  const load = () => import('./swarm-commands.ts')
  const swarm = withPeerOptions(peers.command('swarm').description('tell about the torrents of a running peer'))
    .option('-w, --watch', 'go on telling until Ctrl-C')
    .action(options => run(async () => (await load()).showSwarm(options), options))
  const sub = (
    words: string,
    description: string,
    work: (commands: SwarmCommands, args: readonly string[], options: object) => Promise<number>,
  ) =>
    withPeerOptions(swarm.command(words).description(description)).action((...all) => {
      const command = all.at(-1) as Command
      // Options that `swarm` has too are taken for its own, wherever they stand.
      const options = command.optsWithGlobals()
      return run(async () => work(await load(), command.args, options), options)
    })
  sub('show <torrent>', 'tell about one torrent, its files and its peers', (commands, [torrent], options) =>
    commands.showTorrentOf(torrent, options),
  )
  sub('pause <torrent>', 'part from its peers until it is resumed', (commands, [torrent], options) =>
    commands.pauseTorrent(torrent, options),
  )
  sub('resume <torrent>', 'go on after a pause, or after an error is mended', (commands, [torrent], options) =>
    commands.resumeTorrent(torrent, options),
  )
  sub('remove <torrent>', 'leave a torrent; its files stay', (commands, [torrent], options) =>
    commands.removeTorrent(torrent, options),
  )
  sub('move <torrent> <to>', 'move its files to another folder while they are used', (commands, args, options) =>
    commands.moveTorrent(args[0], args[1], options),
  )
  sub(
    'rename <torrent> <from> <to>',
    'rename a file or folder of it on this disk, such as album/one.flac',
    (commands, [torrent, from, to], options) => commands.renameTorrent(torrent, from, to, options),
  )
  sub('limit [torrent]', 'limit a torrent, or all of them together', (commands, [torrent], options) =>
    commands.limitSwarm(torrent, options),
  )
    .option('--up <rate>', 'upload at most this much, such as 1MB/s; 0 for no limit', parseLimit)
    .option('--down <rate>', 'download at most this much; 0 for no limit', parseLimit)
}

/** Puts the commands of the swarm on a program. */
export function addSwarmCommands(peers: Command, run: RunCommand): void {
  withSwarmOptions(peers.command('share').description('share a file or folder until it is stopped').argument('<path>'))
    .addOption(formatOption())
    .option('--piece-length <size>', 'such as 256K (default: by size)', parsePieceLength)
    .option('--private', 'peers come from its trackers alone')
    .option('--web-seed <url>', 'where the files also are on the web (repeatable)', collectWebSeeds)
    .option('--super-seed', 'give each piece about once and let the crowd pass it on')
    .option('--torrent <file>', 'write the .torrent file here, too')
    .action((path, options) => run(async () => (await import('./share.ts')).share(path, options), options))
  withSwarmOptions(peers.command('get').description('fetch a torrent').argument('<magnet or file>'))
    .option('-o, --output <folder>', 'where to put it (default: here)')
    .option('--only <pattern>', 'fetch only files that fit, such as *.flac (repeatable)', collectText)
    .option('--sequential', 'fetch the pieces in order')
    .option('--seed', 'go on giving when all is there')
    .action((source, options) => run(async () => (await import('./get.ts')).get(source, options), options))
  withClientOptions(peers.command('stream').description('play a file while it is fetched').argument('<magnet or file>'))
    .option(...JSON_OUTPUT)
    .option('-o, --output <folder>', 'where to keep it (default: nowhere)')
    .option('--only <pattern>', 'which file (default: the largest)')
    .option('--http-port <port>', 'where players find it (default: any free port)', parsePort)
    .action((source, options) => run(async () => (await import('./stream.ts')).stream(source, options), options))
  addTorrentCommands(peers, run)
  addRunningCommands(peers, run)
  peers
    .command('tracker')
    .description('introduce peers to each other until it is stopped')
    .option('--host <address>', 'where to listen (default: everywhere)')
    .option('--port <port>', 'HTTP and UDP port (default: any free one)', parsePort)
    .option(...JSON_OUTPUT)
    .action(options => run(async () => (await import('./tracker.ts')).tracker(options), options))
}
