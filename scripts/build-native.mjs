// Builds the optional native accelerator where a C compiler is found, and is content where none is: everything it does
// has a portable twin. Never fails an install; `peers doctor` says what is in use.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'native')
const target = join(root, 'build', 'peers.node')

const loud = process.argv.includes('--verbose')
const say = message => loud && console.log(`native: ${message}`)

function build() {
  if (process.platform === 'win32') return say('not built on Windows')
  const inputs = readdirSync(source).filter(name => /\.[ch]$/.test(name))
  const sources = [fileURLToPath(import.meta.url), ...inputs.map(name => join(source, name))]
  const newest = Math.max(...sources.map(path => statSync(path).mtimeMs))
  if (existsSync(target) && statSync(target).mtimeMs > newest) return say('up to date')
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir
  mkdirSync(dirname(target), { recursive: true })
  const draft = `${target}.${process.pid}`
  const args = [
    '-std=gnu11',
    '-O3',
    '-fPIC',
    '-shared',
    '-fvisibility=hidden',
    '-pthread',
    '-Wall',
    '-Wextra',
    '-DNAPI_VERSION=8',
    '-I',
    headers,
    '-o',
    draft,
  ]
  if (process.platform === 'darwin') args.push('-undefined', 'dynamic_lookup')
  args.push(...inputs.filter(name => name.endsWith('.c')).map(name => join(source, name)))
  if (process.platform === 'linux') args.push('-ldl')
  for (const compiler of [process.env.CC, 'cc', 'gcc', 'clang'].filter(Boolean)) {
    const run = spawnSync(compiler, args, { encoding: 'utf8' })
    if (run.status === 0) {
      renameSync(draft, target)
      return say(`built with ${compiler}`)
    }
    say(run.error ? `${compiler}: ${run.error.message}` : run.stderr)
  }
  rmSync(draft, { force: true })
}

try {
  build()
} catch (error) {
  say(error)
}
