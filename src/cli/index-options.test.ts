import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandLineSettings } from './daemon-config.ts'
import { DAEMON_FLAGS } from './daemon-flags.ts'
import { indexOptions } from './index-options.ts'

function options(...words: string[]) {
  return indexOptions(commandLineSettings(words, DAEMON_FLAGS).settings)
}

test('indexes are kept where they are asked for', () => {
  assert.ok(Object.values(options()).every(value => value === false))
  assert.ok(options('-txindex').transactions)
  assert.ok(options('-coinstatsindex=1').coinStats)
  for (const word of ['-blockfilterindex', '-blockfilterindex=1', '-blockfilterindex=basic']) {
    assert.ok(options(word).blockFilters, word)
  }
  for (const word of ['-blockfilterindex=0', '-noblockfilterindex']) assert.ok(!options(word).blockFilters, word)
  assert.ok(options('-blockfilterindex', '-peerblockfilters').blockFilters)
})

test('what does not go together is refused in the words of bitcoind', () => {
  const refused = (words: string[], message: string): void =>
    assert.throws(() => options(...words), { name: 'UsageError', message })
  refused(['-blockfilterindex=abc'], 'Unknown -blockfilterindex value abc.')
  refused(['-peerblockfilters'], 'Cannot set -peerblockfilters without -blockfilterindex.')
  refused(['-txindex', '-prune=550'], 'Prune mode is incompatible with -txindex.')
})
