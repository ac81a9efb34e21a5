import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { applyConf, type ConfReport, parseConf } from './bitcoin-conf.ts'
import { DAEMON_FLAGS, NETWORK_ONLY_FLAGS } from './daemon-flags.ts'
import { readCommandLine } from './read-flags.ts'
import { leadingInteger, Settings, textAsBool } from './settings.ts'

/** Settings of a command line and a configuration file, as regtest sees them. */
function settingsOf(words: readonly string[], conf = '', network = 'regtest'): Settings {
  const settings = new Settings(NETWORK_ONLY_FLAGS)
  const report: ConfReport = { sections: [], warnings: [], included: [], ignoredIncludes: [] }
  readCommandLine(words, DAEMON_FLAGS, settings, () => undefined)
  applyConf(conf, 'bitcoin.conf', DAEMON_FLAGS, settings, report)
  settings.network = network
  return settings
}

describe('values', () => {
  it('numbers are read as far as they go', () => {
    const cases: [string, number][] = [
      ['7', 7],
      [' 7', 7],
      ['+7', 7],
      ['-7', -7],
      ['7x', 7],
      ['x', 0],
      ['', 0],
      ['+-7', 0],
      ['1.9', 1],
    ]
    for (const [text, value] of cases) assert.equal(leadingInteger(text), value, text)
  })

  it('a switch that is present is on, unless it says 0 or no number', () => {
    for (const text of ['', '1', '2', '-1']) assert.ok(textAsBool(text), text)
    for (const text of ['0', 'true', 'false', 'x', '00']) assert.ok(!textAsBool(text), text)
  })
})

describe('precedence', () => {
  it('the last on the command line counts, and the first in a file', () => {
    assert.equal(settingsOf(['-par=1', '-par=2']).text('par'), '2')
    assert.equal(settingsOf([], 'par=1\npar=2').text('par'), '1')
    assert.equal(settingsOf(['-par=3'], 'par=1').text('par'), '3')
    assert.equal(settingsOf([], 'par=1\n[regtest]\npar=2').text('par'), '2')
    assert.equal(settingsOf([], 'par=1\n[signet]\npar=2').text('par'), '1')
  })

  it('settings.json stands between command line and file', () => {
    const settings = settingsOf([], 'par=1')
    settings.readWrite.set('par', [5])
    assert.deepEqual([settings.int('par'), settings.text('par')], [5, '5'])
    settings.addToCommandLine('par', '3')
    assert.equal(settings.int('par'), 3)
  })

  it('a negation voids what stands before it', () => {
    assert.deepEqual(settingsOf(['-debug=a', '-nodebug', '-debug=b']).list('debug'), ['b'])
    assert.deepEqual(settingsOf(['-nodebug'], 'debug=a').list('debug'), [])
    assert.deepEqual(settingsOf(['-nodebug', '-debug=b'], 'debug=a').list('debug'), ['b', 'a'])
    assert.equal(settingsOf(['-nodebuglogfile']).isNegated('debuglogfile'), true)
    assert.equal(settingsOf(['-noserver=0']).bool('server'), true)
    assert.equal(settingsOf(['-noserver']).bool('server'), false)
  })

  it('lists join all sources, the command line first', () => {
    assert.deepEqual(settingsOf(['-debug=a'], 'debug=c\n[regtest]\ndebug=b').list('debug'), ['a', 'b', 'c'])
  })

  it('ports and connections for all networks apply to main alone', () => {
    assert.equal(settingsOf([], 'rpcport=1').text('rpcport'), undefined)
    assert.equal(settingsOf([], 'rpcport=1', 'main').text('rpcport'), '1')
    assert.deepEqual(settingsOf([], 'rpcport=1\nport=2').unsuitableNames(), ['port', 'rpcport'])
    assert.deepEqual(settingsOf(['-rpcport=3'], 'rpcport=1').unsuitableNames(), [])
    assert.equal(settingsOf([], 'regtest.rpcport=1').text('rpcport'), '1')
  })

  it('a network is chosen by the last value, and not by a negation on the command line', () => {
    assert.ok(settingsOf([], 'regtest=0\nregtest=1', '').networkChoice('regtest'))
    assert.ok(settingsOf(['-noregtest'], 'regtest=1', '').networkChoice('regtest'))
    assert.ok(!settingsOf(['-regtest=0'], 'regtest=1', '').networkChoice('regtest'))
  })
})

describe('configuration files', () => {
  it('know sections, comments and white space', () => {
    const sections: { name: string; file: string; line: number }[] = []
    const text = ' par = 1 # all\r\n\n# nothing\n[regtest]\n\tpar=2\nsignet.par=3\n'
    assert.deepEqual(parseConf(text, 'f', sections), [
      ['par', '1'],
      ['regtest.par', '2'],
      ['regtest.signet.par', '3'],
    ])
    assert.deepEqual(sections, [
      { name: 'regtest', file: 'f', line: 4 },
      { name: 'regtest.signet', file: 'f', line: 6 },
    ])
  })

  it('refuse what is most likely a mistake', () => {
    const refused = (text: string, message: RegExp): void =>
      assert.throws(() => parseConf(text, 'f', []), { name: 'UsageError', message })
    refused('rpcpassword=a#b', /^parse error on line 1, using # in rpcpassword can be ambiguous and should be avoided$/)
    refused('x\n', /^parse error on line 1: x$/)
    refused(
      '\n-par=1',
      /^parse error on line 2: -par=1, options in configuration file must be specified without leading -$/,
    )
  })
})

describe('flags', () => {
  it('every flag of bitcoind stands in one list alone', () => {
    const kinds = [...DAEMON_FLAGS.values()]
    const count = (effect: string): number => kinds.filter(kind => kind.effect === effect).length
    assert.deepEqual([count('full'), count('none'), count('missing')], [114, 64, 19])
  })

  it('two dashes are as good as one, and the first word ends them', () => {
    const settings = new Settings(NETWORK_ONLY_FLAGS)
    const rest = readCommandLine(['--par=2', '-server', 'stop', '-x'], DAEMON_FLAGS, settings, () => undefined)
    assert.deepEqual([settings.int('par'), settings.bool('server'), rest], [2, true, ['stop', '-x']])
  })
})
