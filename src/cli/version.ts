import { createRequire } from 'node:module'

/** The package's version, such as `0.1.0`. */
export function peersVersion(): string {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
  return version
}
