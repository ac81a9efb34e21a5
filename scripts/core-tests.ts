/**
 * Runs functional tests of Bitcoin Core, unchanged, against this project's peersd.
 *
 *     node --import tsx scripts/core-tests.ts CHECKOUT [--jobs N] [--timeout SECONDS] [--keep] [TEST ...]
 *
 * CHECKOUT is a tree of Bitcoin Core's source; without names the tests of test/functional/core-tests.txt are run. Needs python3 and a
 * build in dist/. Prints a line a test, and the end of the output of those that fail; exit status 1 if any does.
 */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const OUTPUT_TAIL_LINES = 40
/** Tests at once; the ports of each are reckoned from a number of its own. */
const SLOTS_MAX = 8
const root = resolve(import.meta.dirname, '..')

interface Outcome {
  readonly name: string
  readonly result: 'passed' | 'skipped' | 'failed' | 'timed out'
  readonly seconds: number
  readonly output: string
}

/** The names of a list file: one a line, `#` begins a comment. */
function readList(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.map(line => line.replace(/#.*/, '').trim()).filter(line => line !== '')
}

/** What the tests' framework wants to know of a build. */
function writeConfig(folder: string, checkout: string): string {
  const path = join(folder, 'config.ini')
  const text = `[environment]
CLIENT_NAME=Peers
CLIENT_BUGREPORT=the developers
SRCDIR=${checkout}
BUILDDIR=${folder}
EXEEXT=
RPCAUTH=${checkout}/share/rpcauth/rpcauth.py

[components]
`
  writeFileSync(path, text)
  return path
}

function writeProgram(folder: string, name: string, script: string): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'dist/programs', script)}" "$@"\n`)
  chmodSync(path, 0o755)
  return path
}

function runTest(
  name: string,
  slot: number,
  setting: { checkout: string; folder: string; config: string; environment: NodeJS.ProcessEnv; timeoutMs: number },
): Promise<Outcome> {
  const [file, ...options] = name.split(' ')
  const script = join(setting.checkout, 'test/functional', file.endsWith('.py') ? file : `${file}.py`)
  const tmp = join(setting.folder, `${file}-${slot}-${process.hrtime.bigint()}`)
  const args = [
    script,
    `--configfile=${setting.config}`,
    `--tmpdir=${tmp}`,
    `--portseed=${SLOTS_MAX * process.pid + slot}`,
    ...options,
  ]
  const started = performance.now()
  return new Promise(done => {
    const child = spawn('python3', args, {
      env: setting.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let timedOut = false
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-200_000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const timer = setTimeout(() => {
      timedOut = true
      // The test's own process group: the nodes that it started go with it.
      process.kill(-child.pid!, 'SIGKILL')
    }, setting.timeoutMs)
    child.on('close', code => {
      clearTimeout(timer)
      const result = timedOut ? 'timed out' : code === 0 ? 'passed' : code === 77 ? 'skipped' : 'failed'
      done({ name, result, seconds: (performance.now() - started) / 1000, output })
    })
  })
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '2' },
    timeout: { type: 'string', default: '300' },
    keep: { type: 'boolean', default: false },
  },
})
const [given, ...names] = positionals
if (given === undefined || !existsSync(join(given, 'test/functional/test_framework'))) {
  console.error('usage: core-tests CHECKOUT [--jobs N] [--timeout SECONDS] [--keep] [TEST ...]')
  process.exit(2)
}
const checkout = resolve(given)
const folder = mkdtempSync(join(tmpdir(), 'core-tests-'))
mkdirSync(join(folder, 'bin'))
const setting = {
  checkout,
  folder,
  config: writeConfig(folder, checkout),
  environment: {
    ...process.env,
    BITCOIND: writeProgram(join(folder, 'bin'), 'bitcoind', 'peersd.js'),
    BITCOINCLI: writeProgram(join(folder, 'bin'), 'bitcoin-cli', 'peers.js'),
  },
  timeoutMs: 1000 * Number(values.timeout),
}
const queue = names.length > 0 ? names : readList(join(root, 'test/functional/core-tests.txt'))
const outcomes: Outcome[] = []
const total = queue.length

async function work(slot: number): Promise<void> {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const outcome = await runTest(name, slot, setting)
    outcomes.push(outcome)
    console.log(`${outcome.result.padEnd(9)} ${outcome.seconds.toFixed(1).padStart(6)} s  ${name}`)
    if (outcome.result === 'passed' || outcome.result === 'skipped') continue
    console.log(outcome.output.trimEnd().split('\n').slice(-OUTPUT_TAIL_LINES).join('\n'))
  }
}

await Promise.all(Array.from({ length: Math.min(Number(values.jobs), SLOTS_MAX) }, (_, slot) => work(slot)))
const passed = outcomes.filter(({ result }) => result === 'passed').length
console.log(`${passed} of ${total} passed`)
if (values.keep) console.log(`kept ${folder}`)
else rmSync(folder, { recursive: true, force: true })
process.exitCode = passed === total ? 0 : 1
