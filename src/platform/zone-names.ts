import { networkInterfaces } from 'node:os'

/** RFC 4007: zones are numbers in the ports, and the names of interfaces in what Node takes and gives. */
function zones(): readonly (readonly [number, string])[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).flatMap(address =>
      address.family === 'IPv6' && address.scopeid > 0 ? [[address.scopeid, name] as const] : [],
    ),
  )
}

/** `fe80::1%2` as `fe80::1%eth0`. What has no zone, or one that is not there, stays as it is. */
export function withZoneName(host: string): string {
  const [address, zone] = host.split('%')
  const found = zone === undefined ? undefined : zones().find(([id]) => String(id) === zone)
  return found === undefined ? host : `${address}%${found[1]}`
}

/** `fe80::1%eth0` as `fe80::1%2`; a name that is not there is left out. */
export function withZoneNumber(host: string): string {
  const [address, zone] = host.split('%')
  if (zone === undefined || /^[0-9]+$/.test(zone)) return host
  const found = zones().find(([, name]) => name === zone)
  return found === undefined ? address : `${address}%${found[0]}`
}
