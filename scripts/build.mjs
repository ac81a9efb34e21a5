// Builds dist: modules for importers by tsc, and from them the programs, for a node that is to answer within 300 ms cannot load some
// hundred modules one by one. Daemon and threads are one file each. `peers` has a file for each command, and others for what several of
// them share: none of them is to wait until the parts of the others are read.
import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
const programs = join(dist, 'programs')
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')

const run = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
if (run.status !== 0) process.exit(run.status ?? 1)

// Threads are started by the name of their entry, beside whatever module starts them: here, beside the programs.
const threads = readdirSync(join(root, 'src'), { recursive: true })
  .filter(name => name.endsWith('-thread.ts'))
  .map(name => join(dist, name.replace(/ts$/, 'js')))

rmSync(programs, { recursive: true, force: true })
const common = {
  outdir: programs,
  entryNames: '[name]',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  // These load files of their own from their folders.
  external: ['classic-level', 'tiny-secp256k1'],
  logLevel: 'warning',
}
await build({ ...common, entryPoints: [join(dist, 'cli', 'peersd.js'), ...threads] })
await build({
  ...common,
  entryPoints: [join(dist, 'cli', 'peers.js')],
  splitting: true,
  // Beside the programs, as the threads are.
  chunkNames: 'peers-[name]-[hash]',
  // commander is CommonJS and needs a real require.
  banner: {
    js: "import{createRequire as _createRequire}from'node:module';const require=_createRequire(import.meta.url);",
  },
})
for (const program of ['peers', 'peersd']) chmodSync(join(programs, `${program}.js`), 0o755)
