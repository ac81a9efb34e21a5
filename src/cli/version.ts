import { createRequire } from 'node:module'

/** Two folders up: from src/cli, from dist/cli, and from the bundled programs in dist/programs. */
const { version, engines } = createRequire(import.meta.url)('../../package.json') as {
  version: string
  engines: { node: string }
}

/** The package's version, such as `0.1.0`. */
export function peersVersion(): string {
  return version
}

/** The versions of Node.js that the package needs, such as `>=20.19`. */
export function neededNodeVersion(): string {
  return engines.node
}
