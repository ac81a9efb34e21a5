import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNetAddress } from '../../wire/net-address-text.ts'
import { parseWhitebind, parseWhitelist, permissionNames, permissionsOf, type WhitelistEntry } from './permissions.ts'

function whitelist(text: string): WhitelistEntry {
  const parsed = parseWhitelist(text)
  assert.ok(parsed.ok, text)
  return parsed.value
}

const IMPLICIT = { relay: true, forceRelay: false }

test('permissions that -whitebind names, and those that they imply', () => {
  const cases: [text: string, names: string[]][] = [
    ['bloom@1.2.3.4:32', ['bloomfilter']],
    ['@1.2.3.4:32', []],
    [',,@1.2.3.4:32', []],
    ['noban@1.2.3.4:32', ['noban', 'download']],
    ['download,noban@1.2.3.4:32', ['noban', 'download']],
    ['download@1.2.3.4:32', ['download']],
    ['bloom,forcerelay@1.2.3.4:32', ['bloomfilter', 'forcerelay', 'relay']],
    ['bloom,relay,,noban,noban@1.2.3.4:32', ['bloomfilter', 'noban', 'relay', 'download']],
    ['in,addr@1.2.3.4:32', ['addr']],
    ['all@[::1]:32', ['bloomfilter', 'noban', 'forcerelay', 'relay', 'mempool', 'download', 'addr']],
  ]
  for (const [text, names] of cases) {
    const parsed = parseWhitebind(text)
    assert.ok(parsed.ok, text)
    assert.deepEqual(permissionNames(parsed.value.permissions), names, text)
    assert.equal(parsed.value.implicit, false)
    assert.equal(parsed.value.endpoint.port, 32)
  }
  const implicit = parseWhitebind('1.2.3.4:32')
  assert.ok(implicit.ok && implicit.value.implicit)
})

test("what is refused, in Core's words", () => {
  const binds: [text: string, message: string][] = [
    ['', "Cannot resolve -whitebind address: ''"],
    ['127.0.0.1', "Need to specify a port with -whitebind: '127.0.0.1'"],
    ['noban@localhost:1', "Cannot resolve -whitebind address: 'localhost:1'"],
    ['out,forcerelay@1.2.3.4:32', 'whitebind may only be used for incoming connections ("out" was passed)'],
    ['bloom,oopsie@1.2.3.4:32', "Invalid P2P permission: 'oopsie'"],
    ['in@1.2.3.4:32', "Only direction was set, no permissions: 'in@1.2.3.4:32'"],
  ]
  for (const [text, detail] of binds) {
    assert.deepEqual(parseWhitebind(text), { ok: false, code: 'permissions-invalid', detail })
  }
  const lists: [text: string, message: string][] = [
    ['bloom,noban@1.2.3.4:32', "Invalid netmask specified in -whitelist: '1.2.3.4:32'"],
    ['noban@1.2.3.4@5', "Invalid netmask specified in -whitelist: '1.2.3.4@5'"],
    ['in,out@1.2.3.4', "Only direction was set, no permissions: 'in,out@1.2.3.4'"],
  ]
  for (const [text, detail] of lists) {
    assert.deepEqual(parseWhitelist(text), { ok: false, code: 'permissions-invalid', detail })
  }
})

test('directions of -whitelist: inbound unless said', () => {
  const directions = (text: string): [boolean, boolean] => [whitelist(text).inbound, whitelist(text).outbound]
  assert.deepEqual(directions('1.2.3.4'), [true, false])
  assert.deepEqual(directions('in,relay@1.2.3.4'), [true, false])
  assert.deepEqual(directions('out,bloom@1.2.3.4'), [false, true])
  assert.deepEqual(directions('in,out,bloom@1.2.3.4/8'), [true, true])
})

test('what a connection may do is the sum of all that applies to it', () => {
  const entries = ['relay@10.0.0.0/8', 'out,mempool@10.1.0.0/16', '10.2.0.0/16'].map(whitelist)
  const names = (direction: 'inbound' | 'outbound', address: string | undefined): string[] =>
    permissionNames(permissionsOf(direction, (address && parseNetAddress(address)) || undefined, entries, IMPLICIT))
  assert.deepEqual(names('inbound', '10.1.0.1'), ['relay'])
  assert.deepEqual(names('outbound', '10.1.0.1'), ['mempool'])
  assert.deepEqual(names('inbound', '11.0.0.1'), [])
  assert.deepEqual(names('inbound', undefined), [])
  assert.deepEqual(names('inbound', '10.2.0.1'), ['noban', 'relay', 'mempool', 'download'])
  const bind = parseWhitebind('1.2.3.4:5')
  assert.ok(bind.ok)
  const granted = permissionsOf('inbound', undefined, [], { relay: false, forceRelay: true }, bind.value)
  assert.deepEqual(permissionNames(granted), ['noban', 'forcerelay', 'relay', 'mempool', 'download'])
})
