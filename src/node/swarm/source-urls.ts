import { OperationError } from '../../base/errors.ts'

function invalid(what: string, url: string, forms: string): OperationError {
  return new OperationError('url-invalid', `not ${what}: ${url.slice(0, 200)}`, { next: `give ${forms}` })
}

/** The address of a web server, of a tracker or a web seed. Throws OperationError `url-invalid`. */
export function parseWebUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed
  throw invalid('a web address', url, 'one that begins with http:// or https://')
}

export function isUdpUrl(url: string): boolean {
  return /^udp:/i.test(url)
}

/**
 * The address of a UDP tracker. IPv6 has one form afterwards, the one in which answers come from it. Throws OperationError
 * `url-invalid`.
 */
export function parseUdpUrl(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed !== undefined && parsed.hostname !== '' && Number(parsed.port) !== 0) return parsed
  throw invalid("a tracker's address", url, 'udp://host:port')
}

/** Throws OperationError `url-invalid` where there can be no tracker. */
export function assertTrackerUrl(url: string): void {
  if (isUdpUrl(url)) parseUdpUrl(url)
  else parseWebUrl(url)
}
