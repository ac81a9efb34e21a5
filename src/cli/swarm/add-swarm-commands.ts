import { type Command, Option } from 'commander'
import { collectPeers, collectText, parsePieceLength, parsePort, parseRate } from './parse-values.ts'

/** Runs a command that has been loaded; says what went wrong, and keeps the exit status. */
export type RunCommand = (command: () => Promise<number>, options: { readonly json?: boolean }) => Promise<void>

const JSON_OUTPUT = ['--json', 'output for programs'] as const

function formatOption(): Option {
  return new Option('--format <format>', 'which kind of torrent').choices(['v1', 'v2', 'hybrid']).default('hybrid')
}

function withSwarmOptions(command: Command): Command {
  return command
    .option('--peer <host:port>', 'a peer to call at once (repeatable)', collectPeers)
    .option('--tracker <url>', 'a tracker to announce to (repeatable)', collectText)
    .option('--port <port>', 'where to listen (default: any free port)', parsePort)
    .option('--up <rate>', 'upload at most this much, such as 1MB/s', parseRate)
    .option('--down <rate>', 'download at most this much', parseRate)
    .option('--no-dht', 'find peers without the DHT (there is none yet: accepted for scripts)')
    .option('--allow-private', 'let the torrent name trackers and web seeds on private networks')
    .option('--state <folder>', 'where to remember progress (default: .peers/swarm in the home folder)')
    .option(...JSON_OUTPUT)
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
    .option('--tracker <url>', 'a tracker (repeatable)', collectText)
    .option('--web-seed <url>', 'where the files also are on the web (repeatable)', collectText)
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

/** Puts the commands of the swarm on a program. */
export function addSwarmCommands(peers: Command, run: RunCommand): void {
  withSwarmOptions(peers.command('share').description('share a file or folder until it is stopped').argument('<path>'))
    .addOption(formatOption())
    .option('--piece-length <size>', 'such as 256K (default: by size)', parsePieceLength)
    .option('--private', 'peers come from its trackers alone')
    .option('--web-seed <url>', 'where the files also are on the web (repeatable)', collectText)
    .option('--super-seed', 'give each piece about once and let the crowd pass it on')
    .option('--torrent <file>', 'write the .torrent file here, too')
    .action((path, options) => run(async () => (await import('./share.ts')).share(path, options), options))
  withSwarmOptions(peers.command('get').description('fetch a torrent').argument('<magnet or file>'))
    .option('-o, --output <folder>', 'where to put it (default: here)')
    .option('--only <pattern>', 'fetch only files that fit, such as *.flac (repeatable)', collectText)
    .option('--sequential', 'fetch the pieces in order')
    .option('--seed', 'go on giving when all is there')
    .action((source, options) => run(async () => (await import('./get.ts')).get(source, options), options))
  withSwarmOptions(peers.command('stream').description('play a file while it is fetched').argument('<magnet or file>'))
    .option('-o, --output <folder>', 'where to keep it (default: nowhere)')
    .option('--only <pattern>', 'which file (default: the largest)')
    .option('--http-port <port>', 'where players find it (default: any free port)', parsePort)
    .action((source, options) => run(async () => (await import('./stream.ts')).stream(source, options), options))
  addTorrentCommands(peers, run)
  peers
    .command('tracker')
    .description('introduce peers to each other until it is stopped')
    .option('--host <address>', 'where to listen (default: everywhere)')
    .option('--port <port>', 'HTTP and UDP port (default: any free one)', parsePort)
    .option(...JSON_OUTPUT)
    .action(options => run(async () => (await import('./tracker.ts')).tracker(options), options))
}
