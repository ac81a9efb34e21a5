import { rmSync, writeFileSync } from 'node:fs'
import { OperationError } from '../base/errors.ts'
import type { Peer } from '../node/peer.ts'
import { reportReady } from './background.ts'
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

async function serve(peer: Peer, options: DaemonOptions): Promise<void> {
  if (options.rpc === undefined) return
  const { serveRpc } = await import('../rpc/serve-rpc.ts')
  const service = await serveRpc(peer, options.rpc)
  // Who asks for the stop through RPC is still answered.
  peer.stopped.then(service.stop, service.stop)
}

/** From a started peer to a ready one. */
async function bringUp(peer: Peer, options: DaemonOptions): Promise<void> {
  stopWhenDone(peer, options)
  peer.log.info('init message: Loading block index…')
  await Promise.all([serve(peer, options), Promise.race([peer.opened, peer.stopped])])
  if (peer.isStopping) {
    peer.log.info('Shutdown requested. Exiting.')
    return
  }
  const { tip } = peer.ledger
  peer.log.info(`nBestHeight = ${tip.height}`)
  if (options.blockNotify !== '') notifyOfBlocks(peer, options.blockNotify)
  peer.log.info('init message: Done loading')
  if (options.startupNotify !== '') void runCommand(options.startupNotify, peer.log)
  reportReady()
}

/**
 * Runs a daemon until it is told to stop; resolves when all is closed. Rejects with what kept it from starting, or forced it to stop.
 *
 * @param onLocked called once the folders are its own
 */
export async function runDaemon(config: DaemonConfig, options: DaemonOptions, onLocked: () => void): Promise<void> {
  const locks = lockFolders(config, options)
  onLocked()
  let wrotePid = false
  try {
    if (options.pidPath !== undefined) {
      writePidFile(options.pidPath)
      wrotePid = true
    }
    const { Peer } = await import('../node/peer.ts')
    const peer = new Peer(options.peer)
    let notified: Promise<void> = Promise.resolve()
    if (options.shutdownNotify !== '') {
      peer.onShutdown(() => {
        notified = runCommand(options.shutdownNotify, peer.log)
      })
    }
    const stop = (): void => void peer.stop()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
    process.on('warning', warning => peer.log.warning(`${warning.name}: ${warning.message}`))
    logStart(peer.log, config, options)
    try {
      await bringUp(peer, options)
    } catch (error) {
      if (peer.isStopping) await peer.stopped
      peer.log.error(error instanceof Error ? error.message : String(error))
      await peer.stop()
      throw error
    }
    await peer.stopped
    await notified
  } finally {
    if (wrotePid) rmSync(options.pidPath!, { force: true })
    for (const lock of locks) lock.release()
  }
}
