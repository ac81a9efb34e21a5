import { hex } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { sha256d } from '../../base/crypto/hash.ts'
import { COIN } from '../primitives/amount.ts'
import { type GenesisRecipe, SATOSHI_KEY, SATOSHI_MESSAGE } from './genesis.ts'
import {
  type Deployment,
  NEVER_ACTIVE,
  type NetworkParams,
  type NetworkSpec,
  NO_TIMEOUT,
  networkParams,
} from './network-params.ts'

const TWO_WEEKS_SECONDS = 14 * 24 * 60 * 60
const LOWEST_DIFFICULTY = 0xffffffffn << 192n

function satoshiGenesis(time: number, nonce: number, bits: number): GenesisRecipe {
  return { message: SATOSHI_MESSAGE, key: SATOSHI_KEY, time, nonce, bits, version: 1 }
}

function testDummy(period: number, threshold: number, startTime = NEVER_ACTIVE): Record<string, Deployment> {
  return { testdummy: { bit: 28, startTime, timeout: NO_TIMEOUT, minActivationHeight: 0, period, threshold } }
}

/** What the addresses and keys of every test network begin with. */
export const TEST_ADDRESSES = {
  pubkeyHash: Uint8Array.of(111),
  scriptHash: Uint8Array.of(196),
  secretKey: Uint8Array.of(239),
  xpub: hex('043587cf'),
  xprv: hex('04358394'),
}

const ALWAYS = { bip34: 1, bip66: 1, bip65: 1, csv: 1, segwit: 1 }

/** What networks have in common unless they say otherwise. */
export const COMMON_SPEC = {
  powLimit: LOWEST_DIFFICULTY | ((1n << 192n) - 1n),
  targetSpacingSeconds: 600,
  targetTimespanSeconds: TWO_WEEKS_SECONDS,
  allowMinDifficultyBlocks: false,
  enforceBip94: false,
  noRetargeting: false,
  initialSubsidySats: 50 * COIN,
  halvingInterval: 210_000,
  bip34Hash: undefined,
  scriptFlagExceptions: new Map<string, readonly string[]>(),
  bip30Exceptions: new Map<number, string>(),
  signetChallenge: undefined,
  dnsSeeds: [],
  minimumChainWork: 0n,
  headersSync: { commitmentPeriod: 275, redownloadBufferSize: 7017 },
  assumeValid: undefined,
  pruneAfterHeight: 1000,
  isTest: true,
  isMockable: false,
  archiveEpochBlocks: 2016,
}

function mainSpec(): NetworkSpec {
  return {
    ...COMMON_SPEC,
    name: 'main',
    folder: '',
    magic: hex('f9beb4d9'),
    defaultPort: 8333,
    rpcPort: 8332,
    genesis: satoshiGenesis(1231006505, 2083236893, 0x1d00ffff),
    buried: { bip34: 227931, bip66: 363725, bip65: 388381, csv: 419328, segwit: 481824 },
    bip34Hash: '000000000000024b89b42a942fe0d9fea3bb44ab7bd1b19115dd6a759c0808b8',
    deployments: testDummy(2016, 1815),
    scriptFlagExceptions: new Map([
      ['00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22', []],
      ['0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad', ['P2SH', 'WITNESS']],
    ]),
    bip30Exceptions: new Map([
      [91842, '00000000000a4d0a398161ffc163c503763b1f4360639393e0e4c8e300e0caec'],
      [91880, '00000000000743f190a18c5577a3c2d2a1f610ae9601ac046a38084ccb7cd721'],
    ]),
    dnsSeeds: [
      'dnsseed.bluematt.me.',
      'seed.bitcoin.jonasschnelli.ch.',
      'seed.btc.petertodd.net.',
      'seed.bitcoin.sprovoost.nl.',
      'dnsseed.emzy.de.',
      'seed.bitcoin.wiz.biz.',
      'seed.mainnet.achownodes.xyz.',
    ],
    minimumChainWork: 0x1128750f82f4c366153a3a030n,
    headersSync: { commitmentPeriod: 641, redownloadBufferSize: 15_218 },
    assumeValid: '00000000000000000000ccebd6d74d9194d8dcdc1d177c478e094bfad51ba5ac',
    pruneAfterHeight: 100_000,
    addresses: {
      bech32Hrp: 'bc',
      pubkeyHash: Uint8Array.of(0),
      scriptHash: Uint8Array.of(5),
      secretKey: Uint8Array.of(128),
      xpub: hex('0488b21e'),
      xprv: hex('0488ade4'),
    },
    isTest: false,
    chainTx: { time: 1772055173, count: 1315805869, perSecond: 5.40111006496122 },
  }
}

function testnet4Spec(): NetworkSpec {
  return {
    ...COMMON_SPEC,
    name: 'testnet4',
    folder: 'testnet4',
    magic: hex('1c163f28'),
    defaultPort: 48333,
    rpcPort: 48332,
    genesis: {
      message: '03/May/2024 000000000000000000001ebd58c244970b3aa9d783bb001011fbe8ea8e98e00e',
      key: '00'.repeat(33),
      time: 1714777860,
      nonce: 393743547,
      bits: 0x1d00ffff,
      version: 1,
    },
    allowMinDifficultyBlocks: true,
    enforceBip94: true,
    buried: ALWAYS,
    deployments: testDummy(2016, 1512),
    dnsSeeds: ['seed.testnet4.bitcoin.sprovoost.nl.', 'seed.testnet4.wiz.biz.'],
    minimumChainWork: 0x9a0fe15d0177d086304n,
    headersSync: { commitmentPeriod: 606, redownloadBufferSize: 16_092 },
    assumeValid: '0000000002368b1e4ee27e2e85676ae6f9f9e69579b29093e9a82c170bf7cf8a',
    addresses: { bech32Hrp: 'tb', ...TEST_ADDRESSES },
    chainTx: { time: 1772013387, count: 14191421, perSecond: 0.01848579579528412 },
  }
}

const DEFAULT_SIGNET_CHALLENGE =
  '512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430' +
  '210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae'

/** BIP325: the magic of a signet is the start of its challenge's hash. */
function signetMagic(challenge: Uint8Array): Uint8Array {
  return sha256d(new ByteWriter().sizedBytes(challenge).finish()).slice(0, 4)
}

function signetSpec(customChallenge?: Uint8Array): NetworkSpec {
  const challenge = customChallenge ?? hex(DEFAULT_SIGNET_CHALLENGE)
  return {
    ...COMMON_SPEC,
    name: 'signet',
    folder: 'signet',
    magic: signetMagic(challenge),
    defaultPort: 38333,
    rpcPort: 38332,
    genesis: satoshiGenesis(1598918400, 52613770, 0x1e0377ae),
    powLimit: 0x377aen << 216n,
    buried: ALWAYS,
    deployments: testDummy(2016, 1815),
    signetChallenge: challenge,
    dnsSeeds: customChallenge ? [] : ['seed.signet.bitcoin.sprovoost.nl.', 'seed.signet.achownodes.xyz.'],
    minimumChainWork: customChallenge ? 0n : 0xb463ea0a4b8n,
    headersSync: { commitmentPeriod: 620, redownloadBufferSize: 15_724 },
    assumeValid: customChallenge ? undefined : '00000008414aab61092ef93f1aacc54cf9e9f16af29ddad493b908a01ff5c329',
    addresses: { bech32Hrp: 'tb', ...TEST_ADDRESSES },
    chainTx: customChallenge
      ? { time: 0, count: 0, perSecond: 0 }
      : { time: 1772055248, count: 28676833, perSecond: 0.06736623436338929 },
  }
}

function regtestSpec(): NetworkSpec {
  return {
    ...COMMON_SPEC,
    name: 'regtest',
    folder: 'regtest',
    magic: hex('fabfb5da'),
    defaultPort: 18444,
    rpcPort: 18443,
    genesis: satoshiGenesis(1296688602, 2, 0x207fffff),
    powLimit: (1n << 255n) - 1n,
    targetTimespanSeconds: 24 * 60 * 60,
    allowMinDifficultyBlocks: true,
    noRetargeting: true,
    halvingInterval: 150,
    buried: { ...ALWAYS, segwit: 0 },
    deployments: testDummy(144, 108, 0),
    isMockable: true,
    addresses: { bech32Hrp: 'bcrt', ...TEST_ADDRESSES },
    chainTx: { time: 0, count: 0, perSecond: 0.001 },
    archiveEpochBlocks: 144,
  }
}

/** What an owner may change of a built-in network. */
export interface NetworkChoices {
  /** BIP325: the challenge of a signet of one's own. */
  readonly signetChallenge?: Uint8Array
  /** -testactivationheight: heights of buried deployments on regtest. */
  readonly buried?: Partial<NetworkSpec['buried']>
  /** -vbparams: signalled deployments on regtest. */
  readonly deployments?: Readonly<Record<string, Partial<Deployment>>>
  /** -test=bip94: testnet4's timewarp rule on regtest. */
  readonly enforceBip94?: boolean
  /** -fastprune. */
  readonly pruneAfterHeight?: number
}

const SPECS: Readonly<Record<string, (choices: NetworkChoices) => NetworkSpec>> = {
  main: mainSpec,
  testnet4: testnet4Spec,
  signet: choices => signetSpec(choices.signetChallenge),
  regtest: regtestSpec,
}

/** Names of the built-in networks. */
export const NETWORK_NAMES: readonly string[] = Object.keys(SPECS)

/**
 * A built-in network by name, with the owner's choices; `undefined` for a name that is none.
 *
 * @example
 * const regtest = builtInNetwork('regtest', { buried: { csv: 432 } })
 */
export function builtInNetwork(name: string, choices: NetworkChoices = {}): NetworkParams | undefined {
  const spec = SPECS[name]?.(choices)
  if (spec === undefined) return undefined
  const deployments: Record<string, Deployment> = { ...spec.deployments }
  for (const [key, change] of Object.entries(choices.deployments ?? {})) {
    if (deployments[key] !== undefined) deployments[key] = { ...deployments[key], ...change }
  }
  return networkParams({
    ...spec,
    deployments,
    buried: { ...spec.buried, ...choices.buried },
    enforceBip94: choices.enforceBip94 ?? spec.enforceBip94,
    pruneAfterHeight: choices.pruneAfterHeight ?? spec.pruneAfterHeight,
  })
}
