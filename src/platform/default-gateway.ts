import { readFileSync } from 'node:fs'

const ROUTE_UP_AND_GATEWAY = 3

function linesOf(path: string): string[][] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map(line => line.trim().split(/\s+/))
  } catch {
    return []
  }
}

/** The text of an IPv4 address that Linux writes as a number of this machine's byte order. */
function ipv4Of(text: string): string {
  const value = Number.parseInt(text, 16)
  return [value, value >>> 8, value >>> 16, value >>> 24].map(byte => byte & 255).join('.')
}

/** Linux's table of routes: where it sends what goes anywhere else. */
export function gatewayInIpv4Routes(rows: readonly (readonly string[])[]): string | undefined {
  const found = rows.find(([, destination, , flags]) => {
    const bits = Number.parseInt(flags ?? '', 16)
    return destination === '00000000' && (bits & ROUTE_UP_AND_GATEWAY) === ROUTE_UP_AND_GATEWAY
  })
  return found === undefined ? undefined : ipv4Of(found[2])
}

/** Likewise for IPv6; a link-local gateway with its zone's name. */
export function gatewayInIpv6Routes(rows: readonly (readonly string[])[]): string | undefined {
  const found = rows.find(row => {
    const bits = Number.parseInt(row[8] ?? '', 16)
    return row[0] === '0'.repeat(32) && row[1] === '00' && (bits & ROUTE_UP_AND_GATEWAY) === ROUTE_UP_AND_GATEWAY
  })
  if (found === undefined) return undefined
  const address = found[4].replace(/(....)(?=.)/g, '$1:')
  return address.startsWith('fe80') ? `${address}%${found[9]}` : address
}

/** The routers that lead to the rest of the world, where the system tells: Linux does. */
export function defaultGateways(): { readonly ipv4: string | undefined; readonly ipv6: string | undefined } {
  return {
    ipv4: gatewayInIpv4Routes(linesOf('/proc/net/route')),
    ipv6: gatewayInIpv6Routes(linesOf('/proc/net/ipv6_route')),
  }
}
