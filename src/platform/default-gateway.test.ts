import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gatewayInIpv4Routes, gatewayInIpv6Routes } from './default-gateway.ts'

const rowsOf = (text: string): string[][] => text.split('\n').map(line => line.trim().split(/\s+/))

test("the gateway is found in Linux's tables of routes", () => {
  const ipv4 = rowsOf(`Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF
eth0	00000000	0102A8C0	0003	0	0	0	00000000`)
  assert.equal(gatewayInIpv4Routes(ipv4), '192.168.2.1')
  assert.equal(gatewayInIpv4Routes(ipv4.slice(0, 2)), undefined)
  const zero = '0'.repeat(32)
  const route = (gateway: string, flags: string): string =>
    `${zero} 00 ${zero} 00 ${gateway} 00000400 00000003 00000000 ${flags} eth0`
  const global = 'fd000000000000000000000000000001'
  assert.equal(gatewayInIpv6Routes(rowsOf(route(global, '00000003'))), 'fd00:0000:0000:0000:0000:0000:0000:0001')
  const local = 'fe800000000000000000000000000001'
  assert.equal(gatewayInIpv6Routes(rowsOf(route(local, '00000003'))), 'fe80:0000:0000:0000:0000:0000:0000:0001%eth0')
  assert.equal(gatewayInIpv6Routes(rowsOf(route(global, '80200001'))), undefined)
  assert.equal(gatewayInIpv6Routes([]), undefined)
})
