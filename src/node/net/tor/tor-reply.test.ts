import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseTorPairs, quoteForTor, socksListenerOf, splitTorLine } from './tor-reply.ts'

function pairsOf(text: string): Record<string, string> | undefined {
  const pairs = parseTorPairs(text)
  return pairs === undefined ? undefined : Object.fromEntries(pairs)
}

test('lines are split at their first space', () => {
  assert.deepEqual(splitTorLine('PROTOCOLINFO PIVERSION'), ['PROTOCOLINFO', 'PIVERSION'])
  assert.deepEqual(splitTorLine('AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/a b/c"'), [
    'AUTH',
    'METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/a b/c"',
  ])
  assert.deepEqual(splitTorLine('COMMAND'), ['COMMAND', ''])
  assert.deepEqual(splitTorLine('COMMAND  EVENT'), ['COMMAND', ' EVENT'])
})

test('pairs are read as control-spec writes them', () => {
  const cases: readonly [string, Record<string, string> | undefined][] = [
    ['', {}],
    [
      'METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/home/x/.tor/control_auth_cookie"',
      { METHODS: 'COOKIE,SAFECOOKIE', COOKIEFILE: '/home/x/.tor/control_auth_cookie' },
    ],
    ['METHODS=NULL', { METHODS: 'NULL' }],
    ['Tor="0.2.9.8 (git-a0df013ea241b026)"', { Tor: '0.2.9.8 (git-a0df013ea241b026)' }],
    ['SERVERHASH=aaaa SERVERNONCE=bbbb', { SERVERHASH: 'aaaa', SERVERNONCE: 'bbbb' }],
    ['ServiceID=exampleonion1234', { ServiceID: 'exampleonion1234' }],
    ['PrivateKey=ED25519-V3:abc=', { PrivateKey: 'ED25519-V3:abc=' }],
    ['Foo=Bar=Baz Spam=Eggs', { Foo: 'Bar=Baz', Spam: 'Eggs' }],
    ['Foo="Bar=Baz"', { Foo: 'Bar=Baz' }],
    ['Foo=""', { Foo: '' }],
    ['Foo="" Bar=x', { Foo: '', Bar: 'x' }],
    ['Foo="a\\"b\\\\c\\nd\\te\\rf"', { Foo: 'a"b\\c\nd\te\rf' }],
    ['Foo="\\1\\12\\123\\377\\400\\8\\x"', { Foo: `\x01\n${String.fromCharCode(0o123, 0o377)} 08x` }],
    // The rest is no pairs any more.
    ['Foo=Bar Spam Eggs=1', { Foo: 'Bar' }],
    ['Foo', undefined],
    ['Foo="Bar', undefined],
    ['Foo="Bar\\"', undefined],
    ['Foo=Bar Spam', undefined],
  ]
  for (const [text, expected] of cases) assert.deepEqual(pairsOf(text), expected, text)
})

test('what was quoted is read as it was, and any text has an answer', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      assert.equal(parseTorPairs(`a=${quoteForTor(text)}`)?.get('a'), text)
      parseTorPairs(text)
    }),
  )
})

test('the SOCKS port of this machine is preferred', () => {
  const listener = (...lines: string[]): string | undefined => socksListenerOf({ code: 250, lines })
  assert.equal(listener('net/listeners/socks="127.0.0.1:9050"', 'OK'), '127.0.0.1:9050')
  assert.equal(listener('net/listeners/socks="10.0.0.1:9" "127.0.0.1:9050" "10.0.0.2:9"'), '127.0.0.1:9050')
  assert.equal(listener('net/listeners/socks="10.0.0.1:9" "10.0.0.2:9"'), '10.0.0.2:9')
  assert.equal(listener('net/listeners/socks='), undefined)
  assert.equal(listener('OK'), undefined)
})
