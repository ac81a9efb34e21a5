import { sha256d } from '../../base/crypto/hash.ts'
import type { AddressPrefixes } from '../primitives/address.ts'
import { type BlockHeader, encodeHeader } from '../primitives/block.ts'
import { type GenesisRecipe, genesisBlock } from './genesis.ts'

/** BIP9: the times at which signalling begins and ends, in seconds; the special values are Core's. */
export const ALWAYS_ACTIVE = -1
export const NEVER_ACTIVE = -2
export const NO_TIMEOUT = Number.POSITIVE_INFINITY

/** BIP9: a soft fork that miners signal for. */
export interface Deployment {
  readonly bit: number
  readonly startTime: number
  readonly timeout: number
  readonly minActivationHeight: number
  readonly period: number
  readonly threshold: number
}

/** Soft forks whose activation is history: the height from which each rule holds. */
export interface BuriedHeights {
  /** BIP34: the block height in the coinbase. */
  readonly bip34: number
  /** BIP66: strict DER. */
  readonly bip66: number
  /** BIP65: OP_CHECKLOCKTIMEVERIFY. */
  readonly bip65: number
  /** BIP68, 112, 113. */
  readonly csv: number
  /** BIP141, 143, 147. */
  readonly segwit: number
}

/** Core's presync: of every so many headers one bit is kept, and so many are held back before the first is believed. */
export interface HeadersSyncParams {
  readonly commitmentPeriod: number
  readonly redownloadBufferSize: number
}

/** All that sets one network apart from another. Hashes are hex as people write them. */
export interface NetworkSpec {
  /** Core's short name of the chain: main, testnet4, signet, regtest, or that of a network file. */
  readonly name: string
  /** Folder of the network's data below the data folder; empty for main. */
  readonly folder: string
  readonly magic: Uint8Array
  readonly defaultPort: number
  readonly rpcPort: number
  readonly genesis: GenesisRecipe

  /** The highest target that proof of work may have. */
  readonly powLimit: bigint
  readonly targetSpacingSeconds: number
  readonly targetTimespanSeconds: number
  /** Testnets: a block that comes late may have the lowest difficulty. */
  readonly allowMinDifficultyBlocks: boolean
  /** Testnet4's rules against time warps and for the retarget's base. */
  readonly enforceBip94: boolean
  readonly noRetargeting: boolean

  readonly initialSubsidySats: number
  readonly halvingInterval: number

  readonly buried: BuriedHeights
  /** The block at BIP34's height on the chain on which BIP30 need not be checked any more. */
  readonly bip34Hash: string | undefined
  readonly deployments: Readonly<Record<string, Deployment>>
  /** Blocks that break a rule since added; their hash to the script flags that do hold for them. */
  readonly scriptFlagExceptions: ReadonlyMap<string, readonly string[]>
  /** BIP30: the two blocks whose coinbases overwrote earlier ones, by height. */
  readonly bip30Exceptions: ReadonlyMap<number, string>
  /** BIP325: the script that every block's signature must satisfy. */
  readonly signetChallenge: Uint8Array | undefined

  /** Names behind which crawlers of the network give addresses of peers. */
  readonly dnsSeeds: readonly string[]
  readonly minimumChainWork: bigint
  /** How headers of unproven work are held against each other; chosen as Core has them. */
  readonly headersSync: HeadersSyncParams
  readonly assumeValid: string | undefined
  readonly pruneAfterHeight: number
  readonly addresses: AddressPrefixes
  /** Whether time may be mocked and blocks generated at will. */
  readonly isTest: boolean
  readonly isMockable: boolean
  /** What is known of the chain's transactions, for an estimate of progress. */
  readonly chainTx: { readonly time: number; readonly count: number; readonly perSecond: number }
  /** Blocks in an epoch of the archive. */
  readonly archiveEpochBlocks: number
}

/** A network, with what follows from its spec. */
export interface NetworkParams extends NetworkSpec {
  readonly genesisHeader: BlockHeader
  readonly genesisBytes: Uint8Array
  /** Internal byte order. */
  readonly genesisHash: Uint8Array
  /** Blocks between two retargets. */
  readonly retargetInterval: number
}

/** Completes a spec. */
export function networkParams(spec: NetworkSpec): NetworkParams {
  const { bytes, header } = genesisBlock(spec.genesis)
  return {
    ...spec,
    genesisHeader: header,
    genesisBytes: bytes,
    genesisHash: sha256d(encodeHeader(header)),
    retargetInterval: Math.floor(spec.targetTimespanSeconds / spec.targetSpacingSeconds),
  }
}
