import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { builtInNetwork, NETWORK_NAMES } from '../../bitcoin/params/networks.ts'
import { nodeBulkHash, openSslBulkHash } from '../../platform/bulk-hash.ts'
import { loadCrypto } from '../../platform/crypto.ts'
import { openLevelStore } from '../../platform/level-store.ts'
import { defaultDataFolder } from '../data-folder.ts'
import { neededNodeVersion } from '../version.ts'

export interface DoctorOptions {
  readonly folder?: string
  readonly json?: boolean
}

interface Finding {
  readonly what: string
  /** `slow` and `note` do not keep anything from working. */
  readonly state: 'ok' | 'slow' | 'note' | 'fault'
  readonly value: string
  readonly next?: string
}

const DISK_BYTES_LOW = 1e9

function nodeFinding(): Finding {
  const needed = neededNodeVersion()
  const [major, minor] = process.versions.node.split('.').map(Number)
  const [needMajor, needMinor] = needed.replace('>=', '').split('.').map(Number)
  const enough = major > needMajor || (major === needMajor && minor >= needMinor)
  const value = `${process.version} (needs ${needed})`
  return enough
    ? { what: 'node', state: 'ok', value }
    : { what: 'node', state: 'fault', value, next: 'install a newer Node.js' }
}

async function cryptoFindings(): Promise<Finding[]> {
  const crypto = await loadCrypto()
  const nativeHashes = crypto.hashName.startsWith('native')
  const { portableCrypto } = await import('../../base/crypto/portable.ts')
  const nativeCurve = crypto.curveName !== portableCrypto.curveName
  return [
    {
      what: 'hashes',
      state: nativeHashes ? 'ok' : 'slow',
      value: crypto.hashName,
      ...(!nativeHashes && { next: 'install a C compiler and run npm install again, for several times the speed' }),
    },
    {
      what: 'pieces',
      state: nodeBulkHash === openSslBulkHash ? 'slow' : 'ok',
      value: nodeBulkHash.name,
      ...(nodeBulkHash === openSslBulkHash && { next: 'on processors with SHA instructions, as for hashes' }),
    },
    {
      what: 'signatures',
      state: nativeCurve ? 'ok' : 'slow',
      value: crypto.curveName,
      ...(!nativeCurve && { next: 'install libsecp256k1 (Debian: libsecp256k1-1), for several times the speed' }),
    },
  ]
}

async function storeFinding(): Promise<Finding> {
  const folder = mkdtempSync(join(tmpdir(), 'peers-doctor-'))
  const key = Uint8Array.of(1)
  try {
    const store = await openLevelStore(folder, { cacheBytes: 1 << 20, name: 'trial store', mend: '' })
    await store.write([{ key, value: key }], { sync: true })
    const found = store.get(key)?.[0] === 1
    await store.close()
    return found
      ? { what: 'store', state: 'ok', value: 'LevelDB writes and reads' }
      : { what: 'store', state: 'fault', value: 'LevelDB forgets what was written' }
  } catch (error) {
    return { what: 'store', state: 'fault', value: (error as Error).message, next: 'run npm install again' }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The folder, or the nearest one above it that exists. */
function existing(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existing(dirname(folder))
}

function diskFinding(folder: string): Finding {
  const { bavail, bsize } = statfsSync(existing(folder))
  const bytes = bavail * bsize
  const value = `${(bytes / 1e9).toFixed(1)} GB free for ${folder}`
  return bytes < DISK_BYTES_LOW
    ? { what: 'disk', state: 'fault', value, next: 'free some space, or choose another folder with --folder' }
    : { what: 'disk', state: 'ok', value }
}

function portFinding(network: string): Promise<Finding> {
  const port = builtInNetwork(network)!.rpcPort
  const what = `port ${port}`
  return new Promise(resolveFinding => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolveFinding({
        what,
        state: 'note',
        value: `RPC of ${network}: ${error.code === 'EADDRINUSE' ? 'taken, perhaps by a running node' : error.message}`,
      }),
    )
    server.listen({ host: '127.0.0.1', port }, () =>
      server.close(() => resolveFinding({ what, state: 'ok', value: `RPC of ${network}: free` })),
    )
  })
}

/** `peers doctor`: what this machine offers; exit status 1 where something cannot work. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const folder = options.folder === undefined ? defaultDataFolder() : resolve(options.folder)
  const findings = [
    nodeFinding(),
    ...(await cryptoFindings()),
    await storeFinding(),
    diskFinding(folder),
    ...(await Promise.all(NETWORK_NAMES.map(portFinding))),
  ]
  const healthy = findings.every(finding => finding.state !== 'fault')
  if (options.json) process.stdout.write(`${JSON.stringify({ healthy, findings })}\n`)
  else {
    for (const { what, state, value, next } of findings) {
      process.stdout.write(`${state.padEnd(6)}${what.padEnd(12)}${value}\n`)
      if (next !== undefined) process.stdout.write(`      next: ${next}\n`)
    }
  }
  return healthy ? 0 : 1
}
