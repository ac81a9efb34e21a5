import type { AddressNetwork } from '../bitcoin/wire/net-address.ts'
import { UsageError } from './read-flags.ts'
import type { Settings } from './settings.ts'

/** What addresses can be of. */
type RealNetwork = Exclude<AddressNetwork, 'internal'>

const ALL: readonly RealNetwork[] = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns']

/** -proxy, of whatever networks. */
export function hasProxy(settings: Settings): boolean {
  const proxy = settings.text('proxy') ?? ''
  return proxy !== '' && proxy !== '0' && !settings.isNegated('proxy')
}

/** -onlynet: whether addresses of a network may be connected to. */
export function allowsNetwork(settings: Settings, network: AddressNetwork): boolean {
  const chosen = settings.list('onlynet')
  return chosen.length === 0 || chosen.some(name => name.toLowerCase() === network)
}

/** -dnsseed: seeds are asked through IPv4 or IPv6. Throws {@link UsageError} where these are forbidden. */
export function asksDnsSeeds(settings: Settings, byDefault: boolean): boolean {
  const chosen = settings.bool('dnsseed')
  const isPossible = allowsNetwork(settings, 'ipv4') || allowsNetwork(settings, 'ipv6')
  if (chosen === true && !isPossible) {
    throw new UsageError(
      'Incompatible options: -dnsseed=1 was explicitly specified, but -onlynet forbids connections to IPv4/IPv6',
    )
  }
  return chosen ?? (byDefault && isPossible)
}

/**
 * Networks whose addresses are connected to: those that -onlynet allows and something leads to. Throws {@link UsageError} where nothing
 * leads to one that was asked for.
 *
 * @param findsTor whether a Tor is asked for its proxy at the start
 */
export function reachableNetworks(settings: Settings, findsTor: boolean): AddressNetwork[] {
  const chosen = settings.list('onlynet').map(name => name.toLowerCase())
  for (const [i, name] of chosen.entries()) {
    if (ALL.some(network => network === name)) continue
    throw new UsageError(`Unknown network specified in -onlynet: '${settings.list('onlynet')[i]}'`)
  }
  const onion = settings.text('onion') ?? ''
  const forbidsOnion = settings.isNegated('onion') || onion === '0'
  const leadsTo: Readonly<Record<RealNetwork, boolean>> = {
    ipv4: true,
    ipv6: true,
    onion: !forbidsOnion && (hasProxy(settings) || onion !== ''),
    i2p: !['', '0'].includes(settings.text('i2psam') ?? ''),
    cjdns: settings.bool('cjdnsreachable') ?? false,
  }
  const restricted = 'Outbound connections restricted to'
  if (chosen.includes('cjdns') && !leadsTo.cjdns) {
    throw new UsageError(`${restricted} CJDNS (-onlynet=cjdns) but -cjdnsreachable is not provided`)
  }
  if (chosen.includes('onion') && !leadsTo.onion && (forbidsOnion || !findsTor)) {
    const reason = forbidsOnion
      ? 'explicitly forbidden: -onion=0'
      : 'not provided: none of -proxy, -onion or -listenonion is given'
    throw new UsageError(`${restricted} Tor (-onlynet=onion) but the proxy for reaching the Tor network is ${reason}`)
  }
  if (chosen.includes('i2p') && !leadsTo.i2p) {
    throw new UsageError(`${restricted} i2p (-onlynet=i2p) but -i2psam is not provided`)
  }
  return ALL.filter(network => leadsTo[network] && allowsNetwork(settings, network))
}
