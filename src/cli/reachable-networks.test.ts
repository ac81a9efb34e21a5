import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAEMON_FLAGS, NETWORK_ONLY_FLAGS } from './daemon-flags.ts'
import { asksDnsSeeds, reachableNetworks } from './reachable-networks.ts'
import { readCommandLine } from './read-flags.ts'
import { Settings } from './settings.ts'

function settingsOf(...words: string[]): Settings {
  const settings = new Settings(NETWORK_ONLY_FLAGS)
  readCommandLine(words, DAEMON_FLAGS, settings, () => undefined)
  return settings
}

test('networks are reached that something leads to, and -onlynet allows', () => {
  assert.deepEqual(reachableNetworks(settingsOf(), false), ['ipv4', 'ipv6'])
  const leads = ['-proxy=127.0.0.1:9050', '-i2psam=127.0.0.1:7656', '-cjdnsreachable']
  assert.deepEqual(reachableNetworks(settingsOf(...leads), false), ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'])
  assert.deepEqual(reachableNetworks(settingsOf(...leads, '-noonion'), false), ['ipv4', 'ipv6', 'i2p', 'cjdns'])
  assert.deepEqual(reachableNetworks(settingsOf(...leads, '-onlynet=I2P', '-onlynet=onion'), false), ['onion', 'i2p'])
  // Tor itself tells of its proxy later.
  assert.deepEqual(reachableNetworks(settingsOf('-onlynet=onion'), true), [])
})

test('a network that was asked for and that nothing leads to is refused in the words of bitcoind', () => {
  const restricted = 'Outbound connections restricted to'
  const tor = `${restricted} Tor (-onlynet=onion) but the proxy for reaching the Tor network is`
  const cases: readonly (readonly [words: readonly string[], error: string])[] = [
    [['-onlynet=abc'], "Unknown network specified in -onlynet: 'abc'"],
    [['-onlynet=i2p'], `${restricted} i2p (-onlynet=i2p) but -i2psam is not provided`],
    [['-onlynet=cjdns'], `${restricted} CJDNS (-onlynet=cjdns) but -cjdnsreachable is not provided`],
    [['-onlynet=onion', '-onion=0'], `${tor} explicitly forbidden: -onion=0`],
    [['-onlynet=onion', '-noonion'], `${tor} explicitly forbidden: -onion=0`],
    [['-onlynet=onion'], `${tor} not provided: none of -proxy, -onion or -listenonion is given`],
  ]
  for (const [words, message] of cases) assert.throws(() => reachableNetworks(settingsOf(...words), false), { message })
})

test('seeds are asked where IPv4 or IPv6 may be connected to', () => {
  assert.ok(asksDnsSeeds(settingsOf('-onlynet=onion', '-onlynet=ipv6'), true))
  assert.ok(!asksDnsSeeds(settingsOf('-onlynet=onion'), true))
  assert.ok(!asksDnsSeeds(settingsOf(), false))
  assert.throws(() => asksDnsSeeds(settingsOf('-onlynet=onion', '-dnsseed'), true), /^UsageError: Incompatible options/)
})
