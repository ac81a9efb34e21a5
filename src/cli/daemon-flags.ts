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
    title: 'Connections',
    flags: [
      ['addnode', '=<ip>', 'Keep a connection to this node; may be given several times (see the RPC method addnode)'],
      ['connect', '=<ip>', 'Connect only to this node, or, for 0, to none; may be given several times'],
      ['seednode', '=<ip>', 'Ask this node for addresses of others; may be given several times'],
      ['listen', '', 'Take connections (default: 1 without -proxy, -connect and -maxconnections=0)'],
      ['bind', '=<addr>[:<port>][=onion]', 'Address to listen on; =onion for where Tor leads to'],
      ['whitebind', '=<[permissions@]addr:port>', 'Likewise, with permissions for whoever connects there'],
      ['whitelist', '=<[permissions@]address or network>', 'Permissions for peers of an address or a network'],
      ['whitelistrelay', '', 'Whether permissions that are not named hold relay (default: 1)'],
      ['whitelistforcerelay', '', 'Whether they hold forcerelay (default: 0)'],
      ['port', '=<port>', 'Port to listen on (default: 8333, testnet4: 48333, signet: 38333, regtest: 18444)'],
      ['maxconnections', '=<n>', 'Automatic connections, both ways (default: 125)'],
      ['inboundrelaypercent', '=<n>', 'Share of inbound connections that may be told of transactions (default: 50)'],
      ['blocksonly', '', 'Take no transactions from peers (default: 0)'],
      ['v2transport', '', 'Speak the encrypted transport, BIP324 (default: 1)'],
      ['networkactive', '', 'Use the network (default: 1; see the RPC method setnetworkactive)'],
      ['maxuploadtarget', '=<n>', 'Megabytes to send a day at the most, new blocks aside (0: no limit, the default)'],
      ['maxreceivebuffer', '=<n>', 'Kilobytes that may wait from each peer (default: 5000)'],
      ['maxsendbuffer', '=<n>', 'Kilobytes that may wait for each peer (default: 1000)'],
      ['timeout', '=<n>', 'Milliseconds that a connection may take to come about (default: 5000)'],
      ['bantime', '=<n>', 'Seconds that bans last by default (default: 86400)'],
      ['peerbloomfilters', '', 'Serve bloom-filtered blocks, BIP37 (default: 0)'],
      ['discover', '', 'Find out addresses of our own (default: 1 when listening, without -externalip and -proxy)'],
      ['externalip', '=<ip>', 'An address of our own; may be given several times'],
      ['dns', '', 'Look up names for -addnode, -seednode and -connect (default: 1)'],
      ['dnsseed', '', 'Ask DNS seeds where few peers are known (default: 1 without -connect)'],
      ['forcednsseed', '', 'Always ask DNS seeds (default: 0)'],
      ['fixedseeds', '', 'Begin with the built-in list where nothing else is known (default: 1)'],
      ['onlynet', '=<net>', 'Connect only to ipv4, ipv6, onion, i2p or cjdns; may be given several times'],
      ['cjdnsreachable', '', 'Addresses of fc00::/8 belong to CJDNS (default: 0)'],
      [
        'proxy',
        '=<ip:port>[=<network>]',
        'Connect through a SOCKS5 proxy, or unix:<path> of one; names are left to it',
      ],
      ['proxyrandomize', '', 'Other credentials for each connection through a proxy, as Tor takes them (default: 1)'],
      ['onion', '=<ip:port>', 'Reach onion services through this proxy instead'],
      ['listenonion', '', 'Have Tor make an onion service (default: 1 when listening)'],
      ['torcontrol', '=<ip>:<port>', 'Where Tor is controlled (default: 127.0.0.1:9051)'],
      ['torpassword', '=<pass>', 'Password for that'],
      ['i2psam', '=<ip:port>', 'Reach I2P through the SAM bridge there'],
      ['i2pacceptincoming', '', 'Be reached through I2P (default: 1)'],
      ['natpmp', '', 'Have the router at home open the port, by PCP or NAT-PMP (default: 1 on public networks)'],
      ['uacomment', '=<cmt>', 'A comment to the user agent; may be given several times'],
      ['logips', '', 'Log addresses of peers (default: 0)'],
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
      ['peertimeout', '=<n>', 'Seconds after which a silent connection may be given up (default: 60)'],
      ['test', '=<option>', 'On regtest: bip94 for the rules of BIP94, addrman for known places of addresses'],
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
  acceptnonstdtxn acceptstalefeeestimates addresstype alertnotify asmap avoidpartialspends blockmaxweight
  blockmintxfee blockreconstructionextratxn blockreservedweight bytespersigop capturemessages changetype checkaddrman
  checkblockindex checkmempool checkpoints choosedatadir consolidatefeerate datacarrier datacarriersize dbbatchsize
  dbcrashratio disablewallet discardfee dustrelayfee fallbackfee forcecompactdb incrementalrelayfee keypool lang
  limitancestorcount limitancestorsize limitclustercount limitclustersize limitdescendantcount limitdescendantsize
  maxapsfee maxsigcachesize maxtxfee mempoolexpiry min minrelaytxfee mintxfee permitbaremultisig persistmempool
  persistmempoolv1 prevoutfetchthreads printpriority resetguisettings rpcdoccheck signetseednode spendzeroconfchange
  splash txconfirmtarget txreconciliation txsendrate uiplatform unsafesqlitesync walletbroadcast walletcrosschain
  walletdir walletrbf walletrejectlongchains`
  .trim()
  .split(/\s+/)

/** Flags whose feature is missing: refused by name when they ask for it. */
const MISSING = `
  ipcbind privatebroadcast rest rpcwhitelist rpcwhitelistdefault signer txospenderindex wallet walletnotify
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
