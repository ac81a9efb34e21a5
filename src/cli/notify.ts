import { spawn } from 'node:child_process'
import { toHexReversed } from '../base/bytes/bytes.ts'
import type { Peer } from '../node/peer.ts'

/** Runs a command of the owner's in the system's shell; resolves when it has ended, however. */
export function runCommand(command: string, log: Peer['log']): Promise<void> {
  return new Promise(resolve => {
    const failed = (how: string): void => {
      log.warning(`runCommand error: system(${command}) returned ${how}`)
      resolve()
    }
    const child = spawn(command, { shell: true, stdio: 'ignore' })
    child.on('error', error => failed(error.message))
    child.on('exit', (code, signal) => (code === 0 ? resolve() : failed(String(code ?? signal))))
  })
}

/** -blocknotify: runs a command at every change of the tip, but not while the chain is being fetched. */
export function notifyOfBlocks(peer: Peer, command: string): void {
  let last = toHexReversed(peer.ledger.tip.hash)
  peer.ledger.onTip(tip => {
    const hash = toHexReversed(tip.hash)
    if (hash === last) return
    last = hash
    if (!tip.initialBlockDownload) void runCommand(command.replaceAll('%s', hash), peer.log)
  })
}
