import { rmSync, writeFileSync } from 'node:fs'
import { OperationError } from '../base/errors.ts'
import type { Peer } from '../node/peer.ts'
import type { RpcService } from '../rpc/serve-rpc.ts'
import type { DaemonConfig } from './daemon-config.ts'
import type { DaemonOptions } from './daemon-options.ts'
import { DirectoryLock } from './directory-lock.ts'
import { logStart } from './log-start.ts'
import { notifyOfBlocks, runCommand } from './notify.ts'

function writePidFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`)
  } catch (cause) {
    throw new OperationError(
      'pid-file-unwritable',
      `Unable to create the PID file '${path}': ${(cause as Error).message}`,
      { cause, next: 'choose another file with -pid, or none with -nopid' },
    )
  }
}

/** Folders that are this process's own while it runs. */
function lockFolders(config: DaemonConfig, options: DaemonOptions): DirectoryLock[] {
  const locks = [DirectoryLock.take(config.networkFolder)]
  try {
    locks.push(DirectoryLock.take(options.peer.ledger.blocksFolder))
  } catch (error) {
    locks[0].release()
    throw error
  }
  return locks
}

/** Stops the peer when it has got where its owner wants it to stop. */
function stopWhenDone(peer: Peer, options: DaemonOptions): void {
  const { stopAtHeight } = options
  if (stopAtHeight > 0) {
    peer.ledger.onTip(tip => {
      if (tip.height >= stopAtHeight) void peer.stop()
    })
  }
  if (options.stopAfterImport) {
    void peer.ledger.started.then(() => {
      peer.log.info('Stopping after block import')
      void peer.stop()
    })
  }
}

async function serve(peer: Peer, options: DaemonOptions): Promise<RpcService | undefined> {
  if (options.rpc === undefined) return undefined
  const { serveRpc } = await import('../rpc/serve-rpc.ts')
  try {
    return await serveRpc(peer, options.rpc)
  } catch (cause) {
    if (!(cause instanceof OperationError)) throw cause
    // bitcoind's words; what is wrong, and what to do about it, stands in the log.
    peer.log.warning(cause.next === undefined ? cause.message : `${cause.message} (${cause.next})`)
    throw new OperationError('rpc-unavailable', 'Unable to start HTTP server. See debug log for details.', { cause })
  }
}

/** Calls back when the system asks this process to end. */
function onSignals(stop: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
}

/** Log rotation moves the file away and sends SIGHUP. */
function onHangUp(reopen: () => void): void {
  process.on('SIGHUP', reopen)
}

/** What whoever runs a daemon may want to hear of. */
export interface DaemonEvents {
  /** The folders are its own. */
  onLocked?(): void
  /** RPC answers. A failure here stops the daemon. */
  onReady?(peer: Peer, rpc: RpcService | undefined): void | Promise<void>
}

/** The port by which programs of this machine reach it, if they do. */
function localPort({ addresses }: RpcService): number | undefined {
  return addresses.find(({ address }) => address === '127.0.0.1' || address === '0.0.0.0')?.port
}

/** From a started peer to a ready one, and until its end. */
async function runPeer(peer: Peer, options: DaemonOptions, events: DaemonEvents, lock: DirectoryLock): Promise<void> {
  stopWhenDone(peer, options)
  peer.log.info('init message: Loading block index…')
  const rpc = await serve(peer, options)
  const port = rpc && localPort(rpc)
  if (port !== undefined) lock.noteRpcPort(port)
  await Promise.race([peer.opened, peer.stopped])
  if (peer.isStopping) peer.log.info('Shutdown requested. Exiting.')
  else {
    peer.log.info(`nBestHeight = ${peer.ledger.tip.height}`)
    if (options.blockNotify !== '') notifyOfBlocks(peer, options.blockNotify)
    peer.log.info('init message: Done loading')
    if (options.startupNotify !== '') void runCommand(options.startupNotify, peer.log)
    await events.onReady?.(peer, rpc)
  }
  try {
    await peer.stopped
  } finally {
    // Who asked for the stop through RPC is still answered.
    await rpc?.stop()
  }
}

/**
 * Runs a daemon until it is told to stop; resolves when all is closed. Rejects with what kept it from starting, or forced it to stop.
 */
export async function runDaemon(config: DaemonConfig, options: DaemonOptions, events: DaemonEvents): Promise<void> {
  let peer: Peer | undefined
  let stopAsked = false
  onSignals(() => {
    stopAsked = true
    void peer?.stop()
  })
  onHangUp(() => peer?.reopenLog())
  const locks = lockFolders(config, options)
  events.onLocked?.()
  let wrotePid = false
  let notified: Promise<void> | undefined
  try {
    if (options.pidPath !== undefined) {
      writePidFile(options.pidPath)
      wrotePid = true
    }
    const { Peer } = await import('../node/peer.ts')
    peer = new Peer(options.peer)
    const { log } = peer
    if (options.shutdownNotify !== '') {
      peer.onShutdown(() => {
        notified = runCommand(options.shutdownNotify, log)
      })
    }
    process.on('warning', warning => log.warning(`${warning.name}: ${warning.message}`))
    logStart(log, config, options)
    if (stopAsked) void peer.stop()
    await runPeer(peer, options, events, locks[0])
  } catch (error) {
    // A failure of the ledger has stopped the peer, and stands in its log.
    if (peer !== undefined && !peer.isStopping) peer.log.error(error instanceof Error ? error.message : String(error))
    await peer?.stop()
    throw error
  } finally {
    await notified
    if (wrotePid) rmSync(options.pidPath!, { force: true })
    for (const lock of locks) lock.release()
  }
}
