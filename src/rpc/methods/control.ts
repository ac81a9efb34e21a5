import { InvariantError } from '../../base/errors.ts'
import { LOG_CATEGORIES } from '../../node/log-filter.ts'
import { asArray, asBigInt, asString, INT64_MAX, INT64_MIN } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import type { Json } from '../json/json-value.ts'
import type { RpcMethod, RpcParam } from '../method.ts'
import { RPC_INVALID_PARAMETER, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'

const help: RpcMethod = {
  name: 'help',
  category: 'control',
  about: 'Lists all methods, or explains one.',
  params: [{ name: 'command', type: 'string', defaultHint: 'all commands', about: 'The method to explain.' }],
  result: '"text"    (string)',
  handler: (context, args) => context.help(args.optionalString('command') ?? ''),
}

const STOP_WAIT_MS_MAX = 600_000

const stop: RpcMethod = {
  name: 'stop',
  category: 'control',
  about: 'Stops the node in good order.',
  params: [{ name: 'wait', type: 'number', hidden: true, about: 'Milliseconds before the answer, for tests.' }],
  result: '"Peers stopping"    (string)',
  handler: async (context, args) => {
    const waitMs = args.optionalInt('wait') ?? 0
    context.shutdown()
    if (waitMs > 0) await new Promise(resolve => setTimeout(resolve, Math.min(waitMs, STOP_WAIT_MS_MAX)))
    return 'Peers stopping'
  },
}

const uptime: RpcMethod = {
  name: 'uptime',
  category: 'control',
  about: 'Tells for how many seconds the node has been running.',
  params: [],
  result: 'n    (numeric)',
  handler: context => context.clock.uptimeSeconds(),
}

const getrpcinfo: RpcMethod = {
  name: 'getrpcinfo',
  category: 'control',
  about: 'Lists the calls that are being carried out, with their duration in microseconds, and names the log file.',
  params: [],
  result: '{ "active_commands": [{ "method", "duration" }, ...], "logpath" }',
  handler: context => ({
    active_commands: context.activeCalls().map(({ method, startedMs }) => ({
      method,
      duration: Math.round((performance.now() - startedMs) * 1000),
    })),
    logpath: context.logPath,
  }),
}

function setCategories(context: RpcContext, value: Json | undefined, enabled: boolean): void {
  for (const name of asArray(value ?? []).map(asString)) {
    if (!context.log.filter.set(name, enabled)) {
      throw new RpcError(RPC_INVALID_PARAMETER, `unknown logging category ${name}`)
    }
  }
}

const logging: RpcMethod = {
  name: 'logging',
  category: 'control',
  about:
    `Shows, and changes, which categories are logged in detail: ${LOG_CATEGORIES.join(', ')}; "all" or "1" means every one. ` +
    'What is both included and excluded is excluded.',
  params: [
    {
      name: 'include',
      type: 'array',
      about: 'Categories to log.',
      fields: [{ name: 'include_category', type: 'string', about: 'A category.' }],
    },
    {
      name: 'exclude',
      type: 'array',
      about: 'Categories not to log.',
      fields: [{ name: 'exclude_category', type: 'string', about: 'A category.' }],
    },
  ],
  result: '{ "category": true|false, ... }',
  handler: (context, args) => {
    setCategories(context, args.value('include'), true)
    setCategories(context, args.value('exclude'), false)
    return Object.fromEntries(LOG_CATEGORIES.map(category => [category, context.log.filter.isEnabled(category)]))
  },
}

const getmemoryinfo: RpcMethod = {
  name: 'getmemoryinfo',
  category: 'control',
  about:
    'Tells about memory that is locked against being swapped out. JavaScript cannot lock any: all counts are zero.',
  params: [{ name: 'mode', type: 'string', default: 'stats', about: '"stats"; "mallocinfo" is not available.' }],
  result: '{ "locked": { "used", "free", "total", "locked", "chunks_used", "chunks_free" } }',
  handler: (_, args) => {
    const mode = args.string('mode')
    if (mode === 'mallocinfo') throw new RpcError(RPC_INVALID_PARAMETER, 'mallocinfo mode not available')
    if (mode !== 'stats') throw new RpcError(RPC_INVALID_PARAMETER, `unknown mode ${mode}`)
    return { locked: { used: 0, free: 0, total: 0, locked: 0, chunks_used: 0, chunks_free: 0 } }
  },
}

const ECHO_PARAMS: readonly RpcParam[] = Array.from({ length: 10 }, (_, i) => ({
  name: `arg${i}`,
  type: 'string',
  untyped: true,
  about: '',
}))

function echoMethod(name: string): RpcMethod {
  return {
    name,
    category: 'hidden',
    about: 'Gives its arguments back, for tests. The two forms differ in how command lines convert them.',
    params: ECHO_PARAMS,
    result: '[...]',
    handler: (_, args) => {
      if (args.value('arg9') === 'trigger_internal_bug')
        throw new InvariantError('request.params[9].get_str() != "trigger_internal_bug"')
      return args.all
    },
  }
}

const MOCK_TIME_MAX = 0xffff_ffffn

const setmocktime: RpcMethod = {
  name: 'setmocktime',
  category: 'hidden',
  about: 'Sets the clock of a test network to a time that stands still.',
  params: [
    { name: 'timestamp', type: 'number', required: true, about: 'Seconds since 1970; 0 goes back to the system time.' },
  ],
  result: 'null',
  handler: async (context, args) => {
    if (!context.network.isMockable) {
      throw new RpcError(RPC_MISC_ERROR, 'setmocktime is for regression testing (-regtest mode) only')
    }
    const time = asBigInt(args.value('timestamp'), INT64_MIN, INT64_MAX)
    if (time < 0n || time > MOCK_TIME_MAX) {
      throw new RpcError(RPC_INVALID_PARAMETER, `Mocktime must be in the range [0, ${MOCK_TIME_MAX}], not ${time}.`)
    }
    await context.clock.setMockTime(Number(time))
    return null
  },
}

export const CONTROL_METHODS: readonly RpcMethod[] = [
  help,
  stop,
  uptime,
  getrpcinfo,
  logging,
  getmemoryinfo,
  setmocktime,
  echoMethod('echo'),
  echoMethod('echojson'),
]
