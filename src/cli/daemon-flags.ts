/** One flag that has an effect: its name, what follows it, and what it does. */
export type FlagHelp = readonly [name: string, value: string, about: string]

export interface FlagGroup {
  readonly title: string
  readonly flags: readonly FlagHelp[]
}

/** The flags of bitcoind that do here what they do there. */
export const FLAG_GROUPS: readonly FlagGroup[] = [
  {
    title: 'Options',
    flags: [
      ['?', '', 'Show this help (also -h or -help)'],
      ['version', '', 'Print the version'],
      ['datadir', '=<dir>', 'The data folder (default: .peers in the home folder)'],
      [
        'conf',
        '=<file>',
        'Configuration file, relative to the data folder (default: bitcoin.conf; only on the command line)',
      ],
      [
        'includeconf',
        '=<file>',
        'A further configuration file, relative to the data folder (only in the configuration file)',
      ],
      ['allowignoredconf', '', 'Only warn of a bitcoin.conf in the data folder that is not the one in use'],
      [
        'settings',
        '=<file>',
        'Settings changed at run time, relative to the network’s folder (default: settings.json)',
      ],
      ['blocksdir', '=<dir>', 'Where block files lie (default: in the data folder)'],
      ['blocksxor', '', 'Whether new block files are obfuscated with a random key (default: 1)'],
      ['assumevalid', '=<hex>', 'Take the scripts of this block and of those before it as checked (0 checks all)'],
      ['minimumchainwork', '=<hex>', 'The least work that a chain worth following has'],
      ['dbcache', '=<n>', 'Memory for coins and stores, in MiB (least: 4; default: 450)'],
      ['maxmempool', '=<n>', 'Largest size of the mempool in megabytes (default: 300)'],
      ['loadblock', '=<file>', 'Take in blocks from a file at the start; may be given several times'],
      [
        'par',
        '=<n>',
        'Threads that check scripts (0: as many as processors, less than 0: leave that many free; most: 16)',
      ],
      ['pid', '=<file>', 'File for the process number, relative to the network’s folder (default: bitcoind.pid)'],
      [
        'prune',
        '=<n>',
        'Keep only the newest block files: 0 keeps all, 1 lets pruneblockchain decide, from 550 on a target in MiB',
      ],
      ['txindex', '', 'Index all transactions, so that getrawtransaction finds them (default: 0)'],
      [
        'blockfilterindex',
        '=<type>',
        'Index compact filters of blocks: basic, also for 1 or nothing behind it; 0 for none (default: 0)',
      ],
      ['coinstatsindex', '', 'Index statistics of all coins behind every block, for gettxoutsetinfo (default: 0)'],
      ['peerblockfilters', '', 'Serve compact filters to peers; needs -blockfilterindex (default: 0)'],
      ['reindex', '', 'Rebuild block index and coins from the block files'],
      ['reindex-chainstate', '', 'Rebuild the coins from the block files'],
      ['daemon', '', 'Run in the background'],
      ['daemonwait', '', 'Run in the background, and return when it is ready'],
      ['blocknotify', '=<cmd>', 'Command to run when the best block changes; %s stands for its hash'],
      ['startupnotify', '=<cmd>', 'Command to run once all is ready'],
      ['shutdownnotify', '=<cmd>', 'Command to run when the shutdown begins'],
      [
        'debuglogfile',
        '=<file>',
        'The log file, relative to the network’s folder (default: debug.log); -nodebuglogfile for none',
      ],
    ],
  },
  {
    title: 'Network selection',
    flags: [
      ['chain', '=<chain>', 'Network: main (default), testnet4, signet or regtest'],
      ['testnet4', '', 'The same as -chain=testnet4'],
      ['signet', '', 'The same as -chain=signet'],
      ['regtest', '', 'The same as -chain=regtest'],
      ['signetchallenge', '=<hex>', 'The script that blocks of a signet of your own must satisfy'],
    ],
  },
  {
    title: 'RPC server',
    flags: [
      ['server', '', 'Serve JSON-RPC (default: 1)'],
      ['rpcbind', '=<addr>[:port]', 'Address to listen on; ignored without -rpcallowip (default: this machine)'],
      ['rpcport', '=<port>', 'Port to listen on (default: 8332, testnet4: 48332, signet: 38332, regtest: 18443)'],
      ['rpcallowip', '=<ip>', 'Address, network/CIDR or network/netmask that may connect; may be given several times'],
      [
        'rpcauth',
        '=<userpw>',
        'User and salted hash of the password: <user>:<salt>$<hash>; may be given several times',
      ],
      ['rpcuser', '=<user>', 'User name'],
      ['rpcpassword', '=<pw>', 'Password in plain text'],
      [
        'rpccookiefile',
        '=<file>',
        'The cookie file, relative to the network’s folder (default: .cookie); -norpccookiefile for none',
      ],
      ['rpccookieperms', '=<readable-by>', 'Who may read the cookie file: owner (default), group or all'],
      ['rpcservertimeout', '=<n>', 'Seconds that a request may take to arrive (default: 30)'],
      ['rpcthreads', '=<n>', 'Requests carried out at once (default: 16)'],
      ['rpcworkqueue', '=<n>', 'Requests that may wait (default: 64)'],
      ['deprecatedrpc', '=<method>', 'Ask for a former answer of a method'],
    ],
  },
  {
    title: 'Logging',
    flags: [
      ['debug', '=<category>', 'Log a category in detail; 1 or all for every one, 0 or none for none before it'],
      ['debugexclude', '=<category>', 'Leave a category out again'],
      ['loglevel', '=<level>|<category>:<level>', 'How detailed such categories are: info, debug (default) or trace'],
      ['loglevelalways', '', 'Name category and level in every line'],
      ['logtimestamps', '', 'Begin lines with the time (default: 1)'],
      ['logtimemicros', '', 'Times with microseconds'],
      ['logthreadnames', '', 'Name the thread in every line'],
      ['logsourcelocations', '', 'Name file, line and function in every line'],
      ['logratelimit', '', 'Limit messages of one kind, so that nobody fills the disk (default: 1)'],
      ['printtoconsole', '', 'Log to the terminal too (default: 1 without -daemon)'],
      ['shrinkdebugfile', '', 'Cut a large log file at the start (default: 1 without -debug)'],
    ],
  },
  {
    title: 'Testing',
    flags: [
      ['help-debug', '', 'Show this help with the names of all flags that are taken'],
      ['checkblocks', '=<n>', 'Blocks to check at the start (0: all; default: 6)'],
      ['checklevel', '=<n>', 'How thoroughly, from 0 to 4 (default: 3)'],
      ['fastprune', '', 'Small block files, and pruning from low heights on'],
      ['maxtipage', '=<n>', 'Seconds after which the last block counts as old (default: 86400)'],
      ['mocktime', '=<n>', 'Seconds since 1970 that the clock stands at'],
      ['stopatheight', '=<n>', 'Stop when the chain has reached a height'],
      ['stopafterblockimport', '', 'Stop when -loadblock and -reindex are done'],
      ['test', '=<option>', 'On regtest: bip94 for the rules of BIP94'],
      ['testactivationheight', '=<name@height>', 'Height of segwit, bip34, dersig, cltv or csv'],
      ['blockversion', '=<n>', 'Version of the blocks made here, instead of what is signalled for'],
      ['vbparams', '=<deployment:start:end[:min_activation_height]>', 'Times of a deployment that miners signal for'],
    ],
  },
]

/** Other spellings of flags that have an effect. */
const HIDDEN = ['h', 'help', 'testnet']

/** Flags of bitcoind that are taken but do nothing here, or nothing yet. */
const WITHOUT_EFFECT = `
  acceptnonstdtxn acceptstalefeeestimates addnode addresstype alertnotify asmap avoidpartialspends bantime bind
  blockmaxweight blockmintxfee blockreconstructionextratxn blockreservedweight blocksonly bytespersigop
  capturemessages changetype checkaddrman checkblockindex checkmempool checkpoints choosedatadir cjdnsreachable connect
  consolidatefeerate datacarrier datacarriersize dbbatchsize dbcrashratio disablewallet discardfee discover dns dnsseed
  dustrelayfee externalip fallbackfee fixedseeds forcecompactdb forcednsseed i2pacceptincoming inboundrelaypercent
  incrementalrelayfee keypool lang limitancestorcount limitancestorsize limitclustercount limitclustersize
  limitdescendantcount limitdescendantsize listen listenonion logips maxapsfee maxconnections maxreceivebuffer
  maxsendbuffer maxsigcachesize maxtxfee maxuploadtarget mempoolexpiry min minrelaytxfee mintxfee natpmp networkactive
  onlynet peerbloomfilters peertimeout permitbaremultisig persistmempool persistmempoolv1 port prevoutfetchthreads
  printpriority proxyrandomize resetguisettings rpcdoccheck seednode signetseednode spendzeroconfchange splash
  timeout txconfirmtarget txreconciliation txsendrate uacomment uiplatform unsafesqlitesync v2transport
  walletbroadcast walletcrosschain walletdir walletrbf walletrejectlongchains whitebind whitelist whitelistforcerelay
  whitelistrelay`
  .trim()
  .split(/\s+/)

/** Flags whose feature is missing: refused by name when they ask for it. */
const MISSING = `
  i2psam ipcbind onion privatebroadcast proxy rest rpcwhitelist
  rpcwhitelistdefault signer torcontrol torpassword txospenderindex wallet walletnotify
  zmqpubhashblock zmqpubhashblockhwm zmqpubhashtx zmqpubhashtxhwm zmqpubrawblock zmqpubrawblockhwm zmqpubrawtx
  zmqpubrawtxhwm zmqpubsequence zmqpubsequencehwm`
  .trim()
  .split(/\s+/)

/** What bitcoind knows of a flag. */
export interface FlagKind {
  readonly effect: 'full' | 'none' | 'missing'
  /** Whether `-no<name>` is refused. */
  readonly negatable: boolean
  /** Whether a value must follow. */
  readonly needsValue: boolean
  /** Whether its value must not be logged. */
  readonly secret: boolean
}

const NOT_NEGATABLE = ['datadir', 'loglevel', 'rpcid', 'signetchallenge', 'signetseednode']
const NEEDS_VALUE = ['loglevel', 'proxy', 'rpcid']
const SECRET = ['rpcauth', 'rpcpassword', 'rpcuser', 'torpassword']

/** Names that apply to another network than main only from its own section of the configuration file. */
export const NETWORK_ONLY_FLAGS: ReadonlySet<string> = new Set([
  'addnode',
  'bind',
  'connect',
  'port',
  'rpcbind',
  'rpcport',
  'wallet',
  'walletdir',
])

/** Flags by name, from the names of those that have an effect, have none, or are missing. */
export function flagKinds(names: Readonly<Record<FlagKind['effect'], readonly string[]>>): Map<string, FlagKind> {
  const kinds = new Map<string, FlagKind>()
  for (const effect of ['full', 'none', 'missing'] as const) {
    for (const name of names[effect]) {
      kinds.set(name, {
        effect,
        negatable: !NOT_NEGATABLE.includes(name),
        needsValue: NEEDS_VALUE.includes(name),
        secret: SECRET.includes(name),
      })
    }
  }
  return kinds
}

/** Every flag that bitcoind knows, by name. */
export const DAEMON_FLAGS: ReadonlyMap<string, FlagKind> = flagKinds({
  full: [...FLAG_GROUPS.flatMap(group => group.flags.map(([name]) => name)), ...HIDDEN],
  none: WITHOUT_EFFECT,
  missing: MISSING,
})
