// Runs the tests: all of them, or those whose path contains one of the words given.
//
//   npm test
//   npm test -- chainstate rpc
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const words = process.argv.slice(2)

function run(args) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (result.status !== 0) process.exit(result.status ?? 1)
}

/** Test files, those of whole processes last: they want the cores for themselves. */
function testFiles() {
  const found = ['src', 'test', 'bench', 'scripts'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true })
      .filter(name => name.endsWith('.test.ts') && !name.includes('node_modules'))
      .map(name => join(folder, name)),
  )
  const chosen = words.length === 0 ? found : found.filter(file => words.some(word => file.includes(word)))
  const isWhole = file => file.startsWith(join('test', 'functional')) || file.startsWith(join('test', 'interop'))
  return chosen.sort((a, b) => Number(isWhole(a)) - Number(isWhole(b)) || a.localeCompare(b))
}

const files = testFiles()
if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`)
  process.exit(2)
}
// Tests of processes run what `npm install` built: build it again, for the sources may have changed.
run([join(root, 'scripts', 'build-native.mjs')])
run([join(root, 'scripts', 'build.mjs')])
console.log(`${files.length} test files, first ${relative('.', files[0])}`)
run(['--import', 'tsx', '--test', `--test-concurrency=${Math.min(availableParallelism(), 4)}`, ...files])
