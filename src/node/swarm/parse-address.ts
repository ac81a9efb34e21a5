import type { PeerAddress } from '../../bittorrent/wire/compact-peers.ts'

/** `host:port`, or `[host]:port` for IPv6. */
export function parseAddress(text: string): PeerAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  return match === null || port < 1 || port > 65_535 ? undefined : { host: match[1] ?? match[2], port }
}
