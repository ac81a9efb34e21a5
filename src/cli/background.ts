import { spawn } from 'node:child_process'

/** Set for the process that is to stay in the background. */
const MARK = 'PEERSD_BACKGROUND'

/** What the process in the background tells the one that started it. */
type Report =
  | { readonly type: 'locked' }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly text: string }

/** Whether this process was started by {@link startInBackground}. */
export function isBackground(): boolean {
  return process.env[MARK] !== undefined && process.send !== undefined
}

function report(message: Report): void {
  if (isBackground() && process.connected) process.send!(message)
}

/** Tells whoever started this process that it has its folders. */
export function reportLocked(): void {
  report({ type: 'locked' })
}

/** Tells whoever started this process that it is ready, and parts from them. */
export function reportReady(): void {
  report({ type: 'ready' })
  if (isBackground() && process.connected) process.disconnect()
}

/** Tells why this process ends: whoever started it if they still listen, else the terminal. */
export function reportFailure(text: string): void {
  if (isBackground() && process.connected) process.send!({ type: 'failed', text })
  else process.stderr.write(text)
}

/**
 * Starts this program again, without a terminal, and waits until it has its folders, or is ready, or has failed. Node cannot fork, so
 * the new process begins from the beginning.
 *
 * @returns undefined where it runs, else what went wrong
 */
export function startInBackground(until: 'locked' | 'ready'): Promise<string | undefined> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  })
  return new Promise(resolve => {
    const finish = (failure: string | undefined): void => {
      if (child.connected) child.disconnect()
      child.unref()
      resolve(failure)
    }
    child.on('message', (message: Report) => {
      if (message.type === 'failed') finish(message.text)
      else if (message.type === until || message.type === 'ready') finish(undefined)
    })
    child.on('exit', () => finish('Error during initialization - check debug.log for details\n'))
    child.on('error', error => finish(`Error: ${error.message}\n`))
  })
}
