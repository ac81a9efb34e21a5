import { fromHex } from '../../base/bytes/bytes.ts'
import { accept, reject, type Verdict } from '../../base/verdict.ts'
import { COIN } from '../primitives/amount.ts'
import { type NetworkParams, NO_TIMEOUT, networkParams } from './network-params.ts'
import { COMMON_SPEC, TEST_ADDRESSES } from './networks.ts'

/** Longest name of a network, and longest script of its genesis message. */
const NETWORK_NAME_MAX = 32

type Fields = Readonly<Record<string, unknown>>

class FieldReader {
  readonly #fields: Fields
  problem: string | undefined

  constructor(fields: Fields) {
    this.#fields = fields
  }

  text(name: string, pattern: RegExp): string {
    const value = this.#fields[name]
    if (typeof value === 'string' && pattern.test(value)) return value
    this.problem ??= `${name} must be a text of the form ${pattern.source}`
    return ''
  }

  whole(name: string, least: number, most: number, fallback?: number): number {
    const value = this.#fields[name] ?? fallback
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    this.problem ??= `${name} must be a whole number from ${least} to ${most}`
    return least
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#fields[name] ?? fallback
    if (typeof value === 'boolean') return value
    this.problem ??= `${name} must be true or false`
    return fallback
  }

  group(name: string): FieldReader {
    const value = this.#fields[name]
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new FieldReader(value as Fields)
    this.problem ??= `${name} must be an object`
    return new FieldReader({})
  }
}

/**
 * A network of somebody's own, from the parsed JSON of its network file. Every rule up to taproot holds from its first block on.
 * Rejects with `bad-network-file` and the field that is wrong.
 *
 * @example
 * networkFromFile({ name: 'village', magic: 'a1b2c3d4', port: 28444, rpcPort: 28443, bech32Hrp: 'vg',
 *   genesis: { message: 'hello', time: 1790000000, nonce: 7, bits: '207fffff' }, powLimit: '7fff…',
 *   spacingSeconds: 60, retargetBlocks: 1440, subsidySats: 5000000000, halvingInterval: 210000 })
 */
export function networkFromFile(json: unknown): Verdict<NetworkParams> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return reject('bad-network-file', 'the file must hold one JSON object')
  }
  const file = new FieldReader(json as Fields)
  const genesis = file.group('genesis')
  const name = file.text('name', new RegExp(`^[a-z][a-z0-9-]{0,${NETWORK_NAME_MAX - 1}}$`))
  const spacing = file.whole('spacingSeconds', 1, 86_400)
  const params = {
    ...COMMON_SPEC,
    name,
    folder: name,
    magic: fromHex(file.text('magic', /^[0-9a-f]{8}$/)) ?? new Uint8Array(4),
    defaultPort: file.whole('port', 1, 65_535),
    rpcPort: file.whole('rpcPort', 1, 65_535),
    genesis: {
      message: genesis.text('message', /^[ -~]{1,200}$/),
      key: '00'.repeat(33),
      time: genesis.whole('time', 1, 0xffff_ffff),
      nonce: genesis.whole('nonce', 0, 0xffff_ffff),
      bits: Number.parseInt(genesis.text('bits', /^[0-9a-f]{8}$/) || '0', 16),
      version: 1,
    },
    powLimit: BigInt(`0x${file.text('powLimit', /^[0-9a-f]{64}$/) || '0'}`),
    targetSpacingSeconds: spacing,
    targetTimespanSeconds: spacing * file.whole('retargetBlocks', 1, 1_000_000),
    allowMinDifficultyBlocks: file.flag('allowMinDifficultyBlocks', false),
    enforceBip94: file.flag('enforceBip94', true),
    noRetargeting: file.flag('noRetargeting', false),
    initialSubsidySats: file.whole('subsidySats', 0, 1_000_000 * COIN),
    halvingInterval: file.whole('halvingInterval', 1, 0x7fff_ffff),
    buried: { bip34: 1, bip66: 1, bip65: 1, csv: 1, segwit: 0 },
    deployments: {
      testdummy: { bit: 28, startTime: 0, timeout: NO_TIMEOUT, minActivationHeight: 0, period: 144, threshold: 108 },
    },
    addresses: {
      bech32Hrp: file.text('bech32Hrp', /^[a-z]{1,20}$/),
      ...TEST_ADDRESSES,
    },
    chainTx: { time: 0, count: 0, perSecond: 0.001 },
    archiveEpochBlocks: file.whole('archiveEpochBlocks', 1, 100_000, 2016),
  }
  const problem = file.problem ?? genesis.problem
  return problem === undefined ? accept(networkParams(params)) : reject('bad-network-file', problem)
}
