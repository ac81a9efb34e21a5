import { equalBytes, toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import {
  MAX_BLOCK_SERIALIZED_SIZE,
  MAX_BLOCK_SIGOPS_COST,
  MAX_BLOCK_WEIGHT,
  WITNESS_SCALE_FACTOR,
} from '../../bitcoin/consensus/limits.ts'
import { expandCompact } from '../../bitcoin/consensus/proof-of-work.ts'
import { witnessCommitmentScript } from '../../bitcoin/consensus/witness-commitment.ts'
import { witnessCommitment } from '../../bitcoin/mining/assemble-block.ts'
import type { TemplateBase } from '../../node/ledger/ledger-api.ts'
import { hex32, hex256 } from '../answers/block-json.ts'
import { asArray, asHash, asString } from '../arguments.ts'
import { EMPTY_TEMPLATE, type RpcContext } from '../context.ts'
import { type Json, JsonObject } from '../json/json-value.ts'
import type { RpcMethod } from '../method.ts'
import {
  RPC_CLIENT_IN_INITIAL_DOWNLOAD,
  RPC_CLIENT_NOT_CONNECTED,
  RPC_INVALID_PARAMETER,
  RPC_TYPE_ERROR,
  RpcError,
} from '../rpc-error.ts'
import { blockHex, judged } from './mining.ts'
import { waitForTip } from './wait.ts'

/** BIP22: long polls end after this long even if nothing has changed. */
const LONG_POLL_MS = 60_000
/** BIP22: what a miner may change in the template. */
const MUTABLE = ['time', 'transactions', 'prevblock']

/** BIP23: judges a block that lacks nothing but its work. */
async function proposal(context: RpcContext, data: Json | undefined): Promise<Json> {
  if (typeof data !== 'string') throw new RpcError(RPC_TYPE_ERROR, 'Missing data String key for proposal')
  return (await judged(context.ledger.testBlock(blockHex(data)))) ?? null
}

async function requireNetwork(context: RpcContext): Promise<void> {
  if (context.network.isTest) return
  const peers = context.peers()
  if (peers === undefined || (await peers.calls.peerInfos()).length === 0)
    throw new RpcError(RPC_CLIENT_NOT_CONNECTED, 'Peers is not connected!')
  if (context.ledger.tip.initialBlockDownload) {
    throw new RpcError(RPC_CLIENT_IN_INITIAL_DOWNLOAD, 'Peers is in initial sync and waiting for blocks...')
  }
}

/** BIP22: waits until the template that an id stands for has been overtaken. */
async function longPoll(context: RpcContext, id: Json): Promise<void> {
  const previous = typeof id === 'string' ? asHash(id.slice(0, 64), 'longpollid') : context.ledger.tip.hash
  await waitForTip(context, tip => !equalBytes(tip.hash, previous), LONG_POLL_MS)
  if (context.isShuttingDown()) throw new RpcError(RPC_CLIENT_NOT_CONNECTED, 'Shutting down')
}

function requireRules(context: RpcContext, rules: ReadonlySet<string>): void {
  const required = context.network.signetChallenge === undefined ? ['segwit'] : ['signet', 'segwit']
  for (const rule of required) {
    if (rules.has(rule)) continue
    const all = context.network.signetChallenge === undefined || rule === 'segwit' ? '"segwit"' : '"segwit", "signet"'
    throw new RpcError(
      RPC_INVALID_PARAMETER,
      `getblocktemplate must be called with the ${rule} rule set (call with {"rules": [${all}]})`,
    )
  }
}

/** BIP9: names of rules that hold, those with `!` that change what a block is made of, and bits that are signalled. */
function rulesJson(context: RpcContext, base: TemplateBase, isSegwit: boolean) {
  const rules = ['csv']
  if (isSegwit) rules.push('!segwit', 'taproot')
  if (context.network.signetChallenge !== undefined) rules.push('!signet')
  const available: { [name: string]: number } = {}
  for (const { name, bit, statusNext } of base.deployments) {
    if (statusNext === 'started' || statusNext === 'locked_in') available[name] = bit
    if (statusNext === 'active') rules.push(name)
  }
  return { rules, vbavailable: available, vbrequired: 0 }
}

function templateJson(context: RpcContext, base: TemplateBase): Json {
  const { network, crypto } = context
  const height = base.previous.height + 1
  const isSegwit = height >= network.buried.segwit
  const share = isSegwit ? 1 : WITNESS_SCALE_FACTOR
  const commitment = (): string => toHex(witnessCommitmentScript(witnessCommitment([], crypto)))
  const previous = toHexReversed(base.previous.hash)
  return {
    capabilities: ['proposal'],
    version: base.version,
    ...rulesJson(context, base, isSegwit),
    previousblockhash: previous,
    transactions: [],
    coinbaseaux: {},
    coinbasevalue: base.subsidySats,
    longpollid: `${previous}0`,
    target: hex256(expandCompact(base.bits).target),
    mintime: base.minTime,
    mutable: MUTABLE,
    noncerange: '00000000ffffffff',
    sigoplimit: MAX_BLOCK_SIGOPS_COST / share,
    sizelimit: MAX_BLOCK_SERIALIZED_SIZE / share,
    weightlimit: isSegwit ? MAX_BLOCK_WEIGHT : undefined,
    curtime: base.time,
    bits: hex32(base.bits),
    height,
    signet_challenge: network.signetChallenge === undefined ? undefined : toHex(network.signetChallenge),
    default_witness_commitment: isSegwit ? commitment() : undefined,
  }
}

const getblocktemplate: RpcMethod = {
  name: 'getblocktemplate',
  category: 'mining',
  about:
    'Gives what a miner needs to build a block (BIP22, BIP23, BIP9, BIP145), or, with mode "proposal", judges a block that lacks ' +
    'nothing but its work.',
  params: [
    {
      name: 'template_request',
      type: 'object',
      required: true,
      about: 'What is asked for.',
      fields: [
        { name: 'mode', type: 'string', about: '"template", "proposal", or left out for the former.' },
        {
          name: 'capabilities',
          type: 'array',
          about: 'What the miner can do.',
          fields: [{ name: 'str', type: 'string', about: 'A capability.' }],
        },
        {
          name: 'rules',
          type: 'array',
          required: true,
          about: 'Rules that the miner knows.',
          fields: [
            { name: 'segwit', type: 'string', required: true, about: 'This one it must know.' },
            { name: 'str', type: 'string', about: 'Another.' },
          ],
        },
        { name: 'longpollid', type: 'string', about: 'Answer only when this template has been overtaken.' },
        { name: 'data', type: 'hex', about: 'The block to judge.' },
      ],
    },
  ],
  result:
    '{ "capabilities", "version", "rules", "vbavailable", "vbrequired", "previousblockhash", "transactions", "coinbaseaux",\n' +
    '  "coinbasevalue", "longpollid", "target", "mintime", "mutable", "noncerange", "sigoplimit", "sizelimit", "weightlimit"?,\n' +
    '  "curtime", "bits", "height", "signet_challenge"?, "default_witness_commitment"? }, or null or "reason" for a proposal',
  handler: async (context, args) => {
    const request = args.value('template_request') ?? new JsonObject()
    const field = (name: string): Json => (request instanceof JsonObject ? (request.get(name) ?? null) : null)
    const mode = field('mode') ?? 'template'
    if (mode === 'proposal') return proposal(context, field('data'))
    const given = field('rules')
    const rules = new Set(Array.isArray(given) ? asArray(given).map(asString) : [])
    if (mode !== 'template') throw new RpcError(RPC_INVALID_PARAMETER, 'Invalid mode')
    await requireNetwork(context)
    const longPollId = field('longpollid')
    if (longPollId !== null) await longPoll(context, longPollId)
    requireRules(context, rules)
    context.lastTemplate = EMPTY_TEMPLATE
    return templateJson(context, await context.ledger.template())
  },
}

export const BLOCK_TEMPLATE_METHODS: readonly RpcMethod[] = [getblocktemplate]
