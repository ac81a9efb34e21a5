import { lookup as dnsLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { OperationError } from '../../base/errors.ts'
import { addressScope } from '../../bittorrent/wire/address-scope.ts'

/** Whether an address is one that strangers may send us to: not of this machine, this network, or nobody, and no way round to it. */
export function isPublicAddress(address: string): boolean {
  return addressScope(address) === 'public'
}

function refusal(host: string): OperationError {
  return new OperationError('private-address', `${host} is an address of a private network`, {
    next: 'if you trust this torrent, allow private addresses for it',
  })
}

/** Throws where a host is written as a private address. Names are judged by {@link guardedLookup}. */
export function assertPublicHost(host: string): void {
  const bare = host.replace(/^\[|\]$/g, '')
  if (isIP(bare) !== 0 && !isPublicAddress(bare)) throw refusal(host)
}

/**
 * Looks names up and leaves out private addresses. It is given to the connection itself, so that the address that was judged is the
 * one that is called, whatever the name says a moment later.
 *
 * @param lookup who knows names; the system
 */
export function guardLookup(lookup: typeof dnsLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0)
        return
      }
      const allowed = addresses.filter(({ address }) => isPublicAddress(address))
      if (allowed.length === 0) callback(refusal(hostname), '', 0)
      else if (options.all) callback(null, allowed)
      else callback(null, allowed[0].address, allowed[0].family)
    })
  }
}

export const guardedLookup: LookupFunction = guardLookup(dnsLookup)
