import { Subnet } from '../../bitcoin/wire/subnet.ts'
import { asBigInt, INT64_MAX, INT64_MIN } from '../arguments.ts'
import { requirePeers } from '../context.ts'
import { helpText } from '../help.ts'
import type { RpcMethod } from '../method.ts'
import {
  RPC_CLIENT_INVALID_IP_OR_SUBNET,
  RPC_CLIENT_NODE_ALREADY_ADDED,
  RPC_INVALID_PARAMETER,
  RPC_MISC_ERROR,
  RpcError,
} from '../rpc-error.ts'

const setban: RpcMethod = {
  name: 'setban',
  category: 'network',
  about: 'Bans an address or a subnet, or lifts its ban.',
  params: [
    {
      name: 'subnet',
      type: 'string',
      required: true,
      about: 'An address, or a subnet with its mask (as in getpeerinfo).',
    },
    { name: 'command', type: 'string', required: true, about: '"add" or "remove".' },
    {
      name: 'bantime',
      type: 'number',
      default: 0,
      about: 'Seconds that the ban lasts, or, with absolute, when it ends; 0 for what -bantime says (24 hours).',
    },
    { name: 'absolute', type: 'bool', default: false, about: 'Whether bantime is a time: seconds since 1970.' },
  ],
  result: 'null',
  handler: async (context, args) => {
    const command = args.string('command')
    if (command !== 'add' && command !== 'remove') throw new RpcError(RPC_MISC_ERROR, helpText(setban))
    const { calls } = requirePeers(context)
    const text = args.string('subnet')
    if (Subnet.parse(text) === undefined) {
      throw new RpcError(RPC_CLIENT_INVALID_IP_OR_SUBNET, 'Error: Invalid IP/Subnet')
    }
    if (command === 'remove') {
      if (await calls.unban(text)) return null
      throw new RpcError(
        RPC_CLIENT_INVALID_IP_OR_SUBNET,
        'Error: Unban failed. Requested address/subnet was not previously manually banned.',
      )
    }
    const seconds = Number(asBigInt(args.value('bantime'), INT64_MIN, INT64_MAX))
    const absolute = args.bool('absolute')
    if (absolute && seconds < context.clock.nowSeconds()) {
      throw new RpcError(RPC_INVALID_PARAMETER, 'Error: Absolute timestamp is in the past')
    }
    if (!(await calls.ban(text, { seconds, absolute }))) {
      throw new RpcError(RPC_CLIENT_NODE_ALREADY_ADDED, 'Error: IP/Subnet already banned')
    }
    return null
  },
}

const listbanned: RpcMethod = {
  name: 'listbanned',
  category: 'network',
  about: 'Lists the addresses and subnets that are banned.',
  params: [],
  result: '[{ "address", "ban_created", "banned_until", "ban_duration", "time_remaining" }, ...]',
  handler: async context => {
    const now = context.clock.nowSeconds()
    const bans = await requirePeers(context).calls.bans()
    return bans.map(({ subnet, createdSeconds, untilSeconds }) => ({
      address: subnet,
      ban_created: createdSeconds,
      banned_until: untilSeconds,
      ban_duration: untilSeconds - createdSeconds,
      time_remaining: untilSeconds - now,
    }))
  },
}

const clearbanned: RpcMethod = {
  name: 'clearbanned',
  category: 'network',
  about: 'Lifts all bans.',
  params: [],
  result: 'null',
  handler: async context => {
    await requirePeers(context).calls.clearBans()
    return null
  },
}

export const BAN_METHODS: readonly RpcMethod[] = [setban, listbanned, clearbanned]
