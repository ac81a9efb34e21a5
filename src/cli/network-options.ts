import type { Deployment, NetworkParams } from '../bitcoin/params/network-params.ts'
import { builtInNetwork, type NetworkChoices } from '../bitcoin/params/networks.ts'
import { UsageError } from './read-flags.ts'
import type { Settings } from './settings.ts'

/** bitcoind's names of buried deployments, and ours. */
const BURIED = { bip34: 'bip34', dersig: 'bip66', cltv: 'bip65', csv: 'csv', segwit: 'segwit' } as const

/** Pruning begins this early under -fastprune. */
const FAST_PRUNE_AFTER_HEIGHT = 100
const INT32_MAX = 0x7fff_ffff

type Buried = NonNullable<NetworkChoices['buried']>

function activationHeights(settings: Settings): Buried {
  const heights: Record<string, number> = {}
  for (const text of settings.list('testactivationheight')) {
    const at = text.indexOf('@')
    if (at === -1) throw new UsageError(`Invalid format (${text}) for -testactivationheight=name@height.`)
    const height = text.slice(at + 1)
    if (!/^\d+$/.test(height) || Number(height) >= INT32_MAX) {
      throw new UsageError(`Invalid height value (${text}) for -testactivationheight=name@height.`)
    }
    const name = text.slice(0, at)
    if (!Object.hasOwn(BURIED, name)) {
      throw new UsageError(`Invalid name (${text}) for -testactivationheight=name@height.`)
    }
    heights[BURIED[name as keyof typeof BURIED]] = Number(height)
  }
  return heights
}

function integerField(text: string, name: string): number {
  if (!/^-?\d+$/.test(text)) throw new UsageError(`Invalid ${name} (${text})`)
  return Number(text)
}

function deploymentTimes(settings: Settings, known: readonly string[]): Record<string, Partial<Deployment>> {
  const deployments: Record<string, Partial<Deployment>> = {}
  for (const text of settings.list('vbparams')) {
    const fields = text.split(':')
    if (fields.length < 3 || fields.length > 4) {
      throw new UsageError('Version bits parameters malformed, expecting deployment:start:end[:min_activation_height]')
    }
    const [name, start, end, minHeight = '0'] = fields
    const times = {
      startTime: integerField(start, 'nStartTime'),
      timeout: integerField(end, 'nTimeout'),
      minActivationHeight: integerField(minHeight, 'min_activation_height'),
    }
    if (!known.includes(name)) throw new UsageError(`Invalid deployment (${name})`)
    deployments[name] = times
  }
  return deployments
}

function signetChallenge(settings: Settings): Uint8Array | undefined {
  const values = settings.list('signetchallenge')
  if (values.length === 0) return undefined
  if (values.length > 1) throw new UsageError('-signetchallenge cannot be multiple values.')
  const text = values[0]
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new UsageError(`-signetchallenge must be hex, not '${text}'.`)
  return Uint8Array.from(text.match(/../g) ?? [], byte => Number.parseInt(byte, 16))
}

/** A network with what its owner changes of it. Throws {@link UsageError}. */
export function networkOf(settings: Settings, name: string): NetworkParams {
  if (name === 'main') {
    for (const flag of ['testactivationheight', 'vbparams']) {
      if (settings.isSet(flag)) throw new UsageError(`The -${flag} option may not be used on mainnet.`)
    }
  }
  const tests = settings.list('test')
  if (tests.length > 0 && name !== 'regtest') throw new UsageError('-test=<option> can only be used with regtest')
  const challenge = name === 'signet' ? signetChallenge(settings) : undefined
  const isRegtest = name === 'regtest'
  return builtInNetwork(name, {
    ...(challenge && { signetChallenge: challenge }),
    buried: activationHeights(settings),
    deployments: deploymentTimes(settings, Object.keys(builtInNetwork(name)!.deployments)),
    ...(isRegtest && tests.includes('bip94') && { enforceBip94: true }),
    ...(isRegtest && settings.bool('fastprune') && { pruneAfterHeight: FAST_PRUNE_AFTER_HEIGHT }),
  })!
}
