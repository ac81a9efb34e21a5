import { type FlagHelp, type FlagKind, flagKinds } from './daemon-flags.ts'

/** The flags of bitcoin-cli that `peers cli` takes. */
export const CLI_FLAG_HELP: readonly FlagHelp[] = [
  ['?', '', 'Show this help (also -h or -help)'],
  ['version', '', 'Print the version'],
  ['datadir', '=<dir>', 'The data folder of the peer (default: .peers in the home folder)'],
  ['conf', '=<file>', 'Configuration file, relative to the data folder (default: bitcoin.conf)'],
  ['chain', '=<chain>', 'Network: main (default), testnet4, signet or regtest'],
  ['testnet4', '', 'The same as -chain=testnet4'],
  ['signet', '', 'The same as -chain=signet'],
  ['regtest', '', 'The same as -chain=regtest'],
  ['named', '', 'Give arguments as name=value'],
  ['stdin', '', 'Read more arguments from the standard input, one a line'],
  ['stdinrpcpass', '', 'Read the RPC password from the standard input, one line'],
  ['rpcconnect', '=<ip>', 'Where the peer runs (default: 127.0.0.1)'],
  ['rpcport', '=<port>', 'Port to connect to (default: 8332, testnet4: 48332, signet: 38332, regtest: 18443)'],
  ['rpcuser', '=<user>', 'User name'],
  ['rpcpassword', '=<pw>', 'Password'],
  ['rpccookiefile', '=<file>', 'The cookie file, relative to the network’s folder (default: .cookie)'],
  ['rpcclienttimeout', '=<n>', 'Seconds to wait for an answer, 0 for as long as it takes (default: 900)'],
  ['rpcid', '=<id>', 'The id of the request (default: 1)'],
  ['rpcwait', '', 'Wait for the peer to be ready'],
  ['rpcwaittimeout', '=<n>', 'Seconds to wait so, 0 for as long as it takes (default: 0)'],
  ['rpcwallet', '=<walletname>', 'The wallet that the call is for'],
]

/** Every flag that bitcoin-cli knows, by name. */
export const CLI_FLAGS: ReadonlyMap<string, FlagKind> = flagKinds({
  full: [...CLI_FLAG_HELP.map(([name]) => name), 'h', 'help', 'testnet', 'includeconf'],
  none: ['color', 'signetchallenge', 'signetseednode'],
  missing: ['addrinfo', 'generate', 'getinfo', 'ipcconnect', 'netinfo', 'stdinwalletpassphrase'],
})
