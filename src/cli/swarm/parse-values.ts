import { InvalidArgumentError } from 'commander'
import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'
import { parseAddress } from '../../node/swarm/parse-address.ts'
import { assertTrackerUrl, parseWebUrl } from '../../node/swarm/source-urls.ts'

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30 }

/** Bytes a second of a rate such as 500kB/s or 1MB. */
export function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmg]i?)?b?(?:\/s)?$/i.exec(text)
  const value = match === null ? 0 : Number(match[1]) * UNITS[(match[2] ?? '').toLowerCase()]
  if (value < 1) throw new InvalidArgumentError('It must be a rate such as 500kB/s or 2MB/s.')
  return value
}

/** A rate, or 0 for no limit. */
export function parseLimit(text: string): number {
  return text === '0' ? 0 : parseRate(text)
}

/** Gathers peers given by repeated options. */
export function collectPeers(text: string, before: readonly PeerAddress[] = []): PeerAddress[] {
  const address = parseAddress(text)
  if (address === undefined) throw new InvalidArgumentError('It must be host:port, or [host]:port for IPv6.')
  return [...before, address]
}

export function collectText(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}

function collectUrls(check: (url: string) => unknown, form: string) {
  return (text: string, before: readonly string[] = []): string[] => {
    try {
      check(text)
    } catch {
      throw new InvalidArgumentError(form)
    }
    return [...before, text]
  }
}

/** Gathers trackers given by repeated options, all of them such as can be asked. */
export const collectTrackers = collectUrls(
  assertTrackerUrl,
  'It must be udp://host:port, or begin with http:// or https://.',
)
export const collectWebSeeds = collectUrls(parseWebUrl, 'It must begin with http:// or https://.')

export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('It must be a number from 0 to 65535.')
  return port
}

/** BEP 52: powers of two from 16 KiB on, such as 256K or 1M. */
export function parsePieceLength(text: string): number {
  const match = /^(\d+)([KM])?(i?B)?$/i.exec(text)
  const unit = match?.[2]?.toUpperCase()
  const bytes = Number(match?.[1]) * (unit === 'M' ? 2 ** 20 : unit === 'K' ? 2 ** 10 : 1)
  if (match === null || bytes < 16_384 || bytes > 2 ** 29 || 2 ** Math.round(Math.log2(bytes)) !== bytes) {
    throw new InvalidArgumentError('It must be a power of two from 16K to 512M.')
  }
  return bytes
}
