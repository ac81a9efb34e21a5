import { mkdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { NetworkParams } from '../bitcoin/params/network-params.ts'
import { DEFAULT_DB_CACHE_BYTES, type LedgerOptions, ledgerOptions } from '../node/ledger/ledger-options.ts'
import type { PeerOptions } from '../node/peer.ts'
import type { RpcServiceOptions } from '../rpc/serve-rpc.ts'
import type { DaemonConfig } from './daemon-config.ts'
import { DAEMON_FLAGS } from './daemon-flags.ts'
import { indexOptions } from './index-options.ts'
import { debugLogOptions, logFilter } from './log-options.ts'
import { networkOf } from './network-options.ts'
import { networkOptions } from './p2p-flags.ts'
import { UsageError } from './read-flags.ts'
import { rpcOptions } from './rpc-options.ts'
import type { Settings } from './settings.ts'

const MIB = 1 << 20
const DB_CACHE_MIB_MIN = 4
const PRUNE_MIB_MIN = 550
const SCRIPT_THREADS_MAX = 16
/** The longest that a comment to the user agent may make it. */
const USER_AGENT_COMMENT = /^[A-Za-z0-9 .,;_?@-]*$/

/** All that a daemon does, as plain data. */
export interface DaemonOptions {
  readonly peer: PeerOptions
  /** Undefined under -server=0. */
  readonly rpc: RpcServiceOptions | undefined
  /** Undefined under -nopid. */
  readonly pidPath: string | undefined
  readonly daemon: 'foreground' | 'background' | 'background-when-ready'
  readonly stopAtHeight: number
  readonly stopAfterImport: boolean
  readonly blockNotify: string
  readonly startupNotify: string
  readonly shutdownNotify: string
  /** For the log, as lines of level warning. */
  readonly logWarnings: readonly string[]
  /** For the terminal too. */
  readonly warnings: readonly string[]
  /** Flags that are set but do nothing. */
  readonly withoutEffect: readonly string[]
}

/** 64 hex digits of what people may write shorter; undefined for what is no hex. */
function hash256(text: string): string | undefined {
  const digits = text.replace(/^0x/i, '')
  return /^[0-9a-f]{0,64}$/i.test(digits) ? digits.toLowerCase().padStart(64, '0') : undefined
}

function assumeValid(settings: Settings, network: NetworkParams): string | undefined {
  const text = settings.text('assumevalid')
  if (text === undefined) return network.assumeValid
  const hash = hash256(text)
  if (hash === undefined) {
    throw new UsageError(
      `Invalid assumevalid block hash specified (${text}), must be up to 64 hex digits (or 0 to disable)`,
    )
  }
  return /^0*$/.test(hash) ? undefined : hash
}

function minimumChainWork(settings: Settings, network: NetworkParams): bigint {
  const text = settings.text('minimumchainwork')
  if (text === undefined) return network.minimumChainWork
  const work = hash256(text)
  if (work === undefined) {
    throw new UsageError(`Invalid minimum work specified (${text}), must be up to 64 hex digits`)
  }
  return BigInt(`0x${work}`)
}

function pruneTarget(settings: Settings): LedgerOptions['prune'] {
  const mib = settings.int('prune') ?? 0
  if (mib < 0) throw new UsageError('Prune cannot be configured with a negative value.')
  if (mib === 0) return undefined
  if (settings.bool('reindex-chainstate')) {
    throw new UsageError('Prune mode is incompatible with -reindex-chainstate. Use full -reindex instead.')
  }
  if (mib === 1) return { targetBytes: undefined }
  if (mib < PRUNE_MIB_MIN) {
    throw new UsageError(`Prune configured below the minimum of ${PRUNE_MIB_MIN} MiB.  Please use a higher number.`)
  }
  return { targetBytes: mib * MIB }
}

/** -par: 0 for all processors, less than 0 to leave that many free. */
function scriptThreads(settings: Settings): number {
  const wanted = settings.int('par') ?? 0
  const threads = wanted > 0 ? wanted : wanted + availableParallelism()
  return Math.min(Math.max(threads, 1), SCRIPT_THREADS_MAX)
}

/** The folder of the block files: the network's own in -blocksdir, else in the data folder. */
function blocksFolder(config: DaemonConfig, network: NetworkParams): string {
  const chosen = config.settings.text('blocksdir')
  const base = chosen === undefined ? config.folder : resolve(chosen)
  if (!statSync(base, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`Specified blocks directory "${chosen}" does not exist.`)
  }
  const path = join(base, network.folder, 'blocks')
  mkdirSync(path, { recursive: true })
  return path
}

function ledgerOf(config: DaemonConfig, network: NetworkParams): LedgerOptions {
  const { settings } = config
  const cacheMib = settings.int('dbcache')
  const defaults = ledgerOptions(network, config.networkFolder)
  return {
    ...defaults,
    blocksFolder: blocksFolder(config, network),
    dbCacheBytes: cacheMib === undefined ? DEFAULT_DB_CACHE_BYTES : Math.max(cacheMib, DB_CACHE_MIB_MIN) * MIB,
    scriptThreads: scriptThreads(settings),
    assumeValid: assumeValid(settings, network),
    minimumChainWork: minimumChainWork(settings, network),
    indexes: indexOptions(settings),
    prune: pruneTarget(settings),
    blocksXor: settings.bool('blocksxor') ?? defaults.blocksXor,
    fastPrune: settings.bool('fastprune') ?? false,
    blockVersion: settings.int('blockversion'),
    maxTipAgeSeconds: settings.int('maxtipage') ?? defaults.maxTipAgeSeconds,
    checkBlocks: settings.int('checkblocks') ?? defaults.checkBlocks,
    checkLevel: settings.int('checklevel') ?? defaults.checkLevel,
    reindex: settings.bool('reindex') ?? false,
    reindexChainstate: settings.bool('reindex-chainstate') ?? false,
    loadBlocks: settings.list('loadblock').map(path => resolve(path)),
  }
}

/** Refuses by name what is asked for but missing; returns the names of what is set without effect. */
function checkFeatures(settings: Settings): string[] {
  const idle: string[] = []
  for (const [name, { effect }] of DAEMON_FLAGS) {
    const text = effect === 'full' ? undefined : settings.text(name)
    if (text === undefined) continue
    if (effect === 'none') idle.push(name)
    else if (text !== '0') {
      throw new UsageError(`-${name} is not supported yet; remove it, or set -no${name}`)
    }
  }
  return idle.sort()
}

/** bitcoind's checks of settings that depend on each other. */
function checkCombinations(config: DaemonConfig): void {
  const { settings, networkName } = config
  const unsuitable = settings.unsuitableNames()
  if (unsuitable.length > 0) {
    throw new UsageError(
      unsuitable
        .map(
          name =>
            `Config setting for -${name} only applied on ${networkName} network when in [${networkName}] section.\n`,
        )
        .join(''),
    )
  }
  const binds = settings.list('bind').length + settings.list('whitebind').length
  const connectOnly = settings.list('connect').length > 0 || settings.isNegated('connect')
  const listens =
    settings.bool('listen') ?? (binds > 0 || !(connectOnly || (settings.int('maxconnections') ?? 125) <= 0))
  if (binds > 0 && !listens) throw new UsageError('Cannot set -bind or -whitebind together with -listen=0')
  if (!listens && settings.bool('listenonion')) {
    throw new UsageError('Cannot set -listen=0 together with -listenonion=1')
  }
  if ((settings.int('maxconnections') ?? 0) < 0) {
    throw new UsageError('-maxconnections must be greater or equal than zero')
  }
  if ((settings.int('peertimeout') ?? 1) <= 0) throw new UsageError('peertimeout must be a positive integer.')
  for (const comment of settings.list('uacomment')) {
    if (!USER_AGENT_COMMENT.test(comment)) {
      throw new UsageError(`User Agent comment (${comment}) contains unsafe characters.`)
    }
  }
}

const SECTIONS = ['main', 'test', 'testnet4', 'signet', 'regtest']

function terminalWarnings({ settings, report }: DaemonConfig): string[] {
  const warnings: string[] = []
  if (settings.isSet('checkpoints')) {
    warnings.push("Option '-checkpoints' is set but checkpoints were removed. This option has no effect.")
  }
  for (const [name, what] of [
    ['limitancestorsize', 'ancestor'],
    ['limitdescendantsize', 'descendant'],
  ]) {
    if (!settings.isSet(name)) continue
    warnings.push(
      `Option '-${name}' is given but ${what} size limits have been replaced with cluster size limits (see ` +
        '-limitclustersize). This option has no effect.',
    )
  }
  const unknown = report.sections.filter(section => !SECTIONS.includes(section.name))
  if (unknown.length > 0) {
    warnings.push(
      unknown.map(({ name, file, line }) => `${file}:${line} Section [${name}] is not recognized.\n`).join(''),
    )
  }
  return warnings
}

/** What a daemon is to do. Throws {@link UsageError}, its message as bitcoind's. */
export function daemonOptions(config: DaemonConfig): DaemonOptions {
  const { settings, networkFolder } = config
  const logWarnings = [...config.warnings, ...config.report.warnings]
  const network = networkOf(settings, config.networkName)
  checkCombinations(config)
  const withoutEffect = checkFeatures(settings)
  const filter = logFilter(settings)
  const debugLog = debugLogOptions(settings, networkFolder)
  const rpc = rpcOptions(settings, network, networkFolder, message => logWarnings.push(message))
  const pid = settings.text('pid') || 'bitcoind.pid'
  return {
    peer: {
      ledger: ledgerOf(config, network),
      debugLog,
      logFilter: filter,
      logSourceLocations: settings.bool('logsourcelocations') ?? false,
      mockTimeSeconds: Math.max(settings.int('mocktime') ?? 0, 0),
      network: networkOptions(settings, network),
    },
    rpc: (settings.bool('server') ?? true) ? { ...rpc, logPath: debugLog.path ?? '' } : undefined,
    pidPath: settings.isNegated('pid') ? undefined : isAbsolute(pid) ? pid : join(networkFolder, pid),
    daemon: settings.bool('daemonwait')
      ? 'background-when-ready'
      : settings.bool('daemon')
        ? 'background'
        : 'foreground',
    stopAtHeight: settings.int('stopatheight') ?? 0,
    stopAfterImport: settings.bool('stopafterblockimport') ?? false,
    blockNotify: settings.text('blocknotify') ?? '',
    startupNotify: settings.text('startupnotify') ?? '',
    shutdownNotify: settings.text('shutdownnotify') ?? '',
    logWarnings,
    warnings: terminalWarnings(config),
    withoutEffect,
  }
}
