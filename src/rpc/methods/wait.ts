import { equalBytes, toHexReversed } from '../../base/bytes/bytes.ts'
import type { TipSnapshot } from '../../node/ledger/ledger-api.ts'
import type { RpcArguments } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import type { RpcMethod, RpcParam } from '../method.ts'
import { RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'

/** The longest time that a timer takes. */
const TIMER_MS_MAX = 0x7fff_ffff

/** Resolves with the tip once it is `wanted`, or after `timeoutMs` (0: never), or when the node stops, whatever it is then. */
export function waitForTip(
  context: RpcContext,
  wanted: (tip: TipSnapshot) => boolean,
  timeoutMs: number,
): Promise<TipSnapshot> {
  const { ledger } = context
  if (wanted(ledger.tip) || context.isShuttingDown()) return Promise.resolve(ledger.tip)
  return new Promise(resolve => {
    let timer: NodeJS.Timeout | undefined
    const finish = (): void => {
      clearTimeout(timer)
      endTip()
      endShutdown()
      resolve(ledger.tip)
    }
    const endTip = ledger.onTip(tip => {
      if (wanted(tip)) finish()
    })
    const endShutdown = context.onShutdown(finish)
    if (timeoutMs > 0) timer = setTimeout(finish, Math.min(timeoutMs, TIMER_MS_MAX))
  })
}

const TIMEOUT: RpcParam = {
  name: 'timeout',
  type: 'number',
  default: 0,
  about: 'How long to wait at the most, in milliseconds; 0 for as long as it takes.',
}

function timeoutOf(args: RpcArguments): number {
  const timeout = args.int('timeout')
  if (timeout < 0) throw new RpcError(RPC_MISC_ERROR, 'Negative timeout')
  return timeout
}

function tipJson(tip: TipSnapshot) {
  return { hash: toHexReversed(tip.hash), height: tip.height }
}

const RESULT = '{ "hash", "height" }'
const NOTE = 'Gives the last block at the end of the time or of the node, whatever it is.'

const waitfornewblock: RpcMethod = {
  name: 'waitfornewblock',
  category: 'blockchain',
  about: `Waits for the last block to change. ${NOTE}`,
  params: [TIMEOUT, { name: 'current_tip', type: 'hex', about: 'The block that must not be the last one any more.' }],
  result: RESULT,
  handler: async (context, args) => {
    const timeout = timeoutOf(args)
    const current = args.has('current_tip') ? args.hash('current_tip') : context.ledger.tip.hash
    return tipJson(await waitForTip(context, tip => !equalBytes(tip.hash, current), timeout))
  },
}

const waitforblock: RpcMethod = {
  name: 'waitforblock',
  category: 'blockchain',
  about: `Waits for a certain block to be the last one. ${NOTE}`,
  params: [{ name: 'blockhash', type: 'hex', required: true, about: 'The block to wait for.' }, TIMEOUT],
  result: RESULT,
  handler: async (context, args) => {
    const hash = args.hash('blockhash')
    return tipJson(await waitForTip(context, tip => equalBytes(tip.hash, hash), timeoutOf(args)))
  },
}

const waitforblockheight: RpcMethod = {
  name: 'waitforblockheight',
  category: 'blockchain',
  about: `Waits for the chain to reach a height. ${NOTE}`,
  params: [{ name: 'height', type: 'number', required: true, about: 'The height to wait for.' }, TIMEOUT],
  result: RESULT,
  handler: async (context, args) => {
    const height = args.int('height')
    return tipJson(await waitForTip(context, tip => tip.height >= height, timeoutOf(args)))
  },
}

export const WAIT_METHODS: readonly RpcMethod[] = [waitfornewblock, waitforblock, waitforblockheight]
