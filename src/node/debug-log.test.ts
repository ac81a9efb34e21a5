import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { DebugLog, type DebugLogOptions } from './debug-log.ts'
import { Log, type LogEntry } from './log.ts'
import { LogFilter } from './log-filter.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'debug-log-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const ENTRY: LogEntry = {
  category: undefined,
  level: 'info',
  message: 'hello',
  timeMicros: 1_795_392_000_123_456,
  thread: 'main',
  rateLimited: true,
  location: undefined,
}

/** What a log with these options writes of some entries. */
function written(options: Partial<DebugLogOptions>, entries: Partial<LogEntry>[], mockTime = 0): string {
  const path = join(folder, 'debug.log')
  const log = new DebugLog({ path, ...options }, () => mockTime)
  for (const entry of entries) log.write({ ...ENTRY, ...entry })
  log.close()
  return readFileSync(path, 'utf8').replace('\n\n\n\n\n', '')
}

test('lines have the format of bitcoind', () => {
  const cases: [Partial<DebugLogOptions>, Partial<LogEntry>, string][] = [
    [{}, {}, '2026-11-23T00:00:00Z hello\n'],
    [{}, { category: 'net', level: 'debug' }, '2026-11-23T00:00:00Z [net] hello\n'],
    [{}, { category: 'net', level: 'trace' }, '2026-11-23T00:00:00Z [net:trace] hello\n'],
    [{}, { category: 'net', level: 'info' }, '2026-11-23T00:00:00Z [net:info] hello\n'],
    [{}, { level: 'warning' }, '2026-11-23T00:00:00Z [warning] hello\n'],
    [{ levelAlways: true }, {}, '2026-11-23T00:00:00Z [all:info] hello\n'],
    [{ timeMicros: true }, {}, '2026-11-23T00:00:00.123456Z hello\n'],
    [{ timestamps: false, threadNames: true }, {}, '[main] hello\n'],
    [{ timestamps: false }, { location: '[src/a.ts:1] [f]' }, '[src/a.ts:1] [f] hello\n'],
    [{ timestamps: false }, { message: 'a\u0007\u007fb\nc\n' }, 'a\\x07\\x7fb\nc\n'],
  ]
  for (const [options, entry, line] of cases) {
    assert.equal(written(options, [entry]), line)
    rmSync(join(folder, 'debug.log'))
  }
  assert.equal(written({}, [{}], 1), '2026-11-23T00:00:00Z (mocktime: 1970-01-01T00:00:01Z) hello\n')
})

test('messages of one kind stop at a mebibyte an hour, and the next hour starts anew', () => {
  const message = 'x'.repeat(100_000)
  const hourLater = ENTRY.timeMicros + 3601 * 1_000_000
  const text = written({ timestamps: false }, [
    ...Array.from({ length: 20 }, () => ({ message })),
    { message: 'other' },
    { message, category: 'net', level: 'debug', rateLimited: false },
    { message: 'next', timeMicros: hourLater },
  ])
  const lines = text.trimEnd().split('\n')
  assert.equal(lines.filter(line => /x{100000}/.test(line)).length, 12)
  assert.equal(lines.filter(line => line.includes('Excessive logging detected')).length, 1)
  assert.ok(lines.includes('[*] other'))
  assert.equal(lines.at(-1), 'next')
})

test('a large file is cut at the start, and renamed when it reaches its bound', () => {
  const path = join(folder, 'debug.log')
  writeFileSync(path, `${'a'.repeat(2_000_000)}${'b'.repeat(10_000_000)}`)
  assert.equal(written({ shrinkFile: false, timestamps: false }, []).length, 12_000_000)
  const kept = written({ timestamps: false }, [{}])
  assert.equal(kept.replaceAll('\n', ''), `${'b'.repeat(9_999_995)}hello`)
  const log = new DebugLog({ path, fileSizeMaxBytes: 9_000_000, timestamps: false })
  log.write(ENTRY)
  log.flush()
  log.write({ ...ENTRY, message: 'after' })
  log.close()
  assert.match(readFileSync(`${path}.1`, 'utf8'), /hello\n$/)
  assert.equal(readFileSync(path, 'utf8'), 'after\n')
})

test('a file that cannot be opened is named', () => {
  const path = join(folder, 'missing', 'debug.log')
  assert.throws(() => new DebugLog({ path }), {
    code: 'debug-log-unwritable',
    message: `Could not open debug log file ${path}`,
  })
})

test('a log asks its filter, and makes messages only if they are written', () => {
  const entries: LogEntry[] = []
  const filter = new LogFilter()
  const log = new Log(filter, entry => entries.push(entry), { thread: 'main' })
  log.debug('net', () => assert.fail('not to be made'))
  log.info('always')
  assert.equal(filter.set('net', true), true)
  log.debug('net', () => 'seen')
  log.trace('net', 'too fine')
  assert.equal(new LogFilter(filter.shared).setLevel('trace', 'net'), true)
  log.trace('net', 'fine')
  log.debug('rpc', 'off')
  assert.deepEqual(
    entries.map(({ category, level, message }) => [category, level, message]),
    [
      [undefined, 'info', 'always'],
      ['net', 'debug', 'seen'],
      ['net', 'trace', 'fine'],
    ],
  )
})

test('a filter knows its categories and levels', () => {
  const filter = new LogFilter()
  assert.equal(filter.set('nosuch', true), false)
  assert.equal(filter.setLevel('error'), false)
  assert.equal(filter.setLevel('trace', 'nosuch'), false)
  assert.equal(filter.set('all', true), true)
  assert.equal(filter.set('net', false), true)
  assert.equal(filter.isEnabled('net'), false)
  assert.equal(filter.isEnabled('zmq'), true)
  assert.equal(filter.setLevel('info'), true)
  assert.equal(filter.willLog('zmq', 'debug'), false)
  assert.equal(filter.willLog('net', 'error'), true)
})

test('source locations are those of the caller', () => {
  const entries: LogEntry[] = []
  const log = new Log(new LogFilter(), entry => entries.push(entry), { thread: 'main', sourceLocations: true })
  function whoLogs(): void {
    log.info('here')
  }
  whoLogs()
  assert.match(entries[0].location!, /^\[src\/node\/debug-log\.test\.ts:\d+\] \[whoLogs\]$/)
})
