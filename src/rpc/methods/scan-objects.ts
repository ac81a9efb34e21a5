import { toHex } from '../../base/bytes/bytes.ts'
import type { DescribedScript } from '../../bitcoin/descriptors/definite.ts'
import { asArray, asString } from '../arguments.ts'
import type { RpcContext } from '../context.ts'
import { type Json, JsonObject } from '../json/json-value.ts'
import type { RpcParam } from '../method.ts'
import { RPC_INVALID_ADDRESS_OR_KEY, RPC_INVALID_PARAMETER, RPC_MISC_ERROR, RpcError } from '../rpc-error.ts'
import { parseDescriptorArgument, parseRange } from './addresses.ts'

/** How long scripts are derived before other work gets its turn. */
const SLICE_MS = 8
/** The range of a descriptor that says none. */
const DEFAULT_RANGE = { first: 0, last: 1000 }

export const SCAN_ACTION: RpcParam = {
  name: 'action',
  type: 'string',
  required: true,
  about: '"start" to search; "status" for how far a search has come; "abort" to break it off (true if there was one).',
}

export const SCAN_OBJECTS: RpcParam = {
  name: 'scanobjects',
  type: 'array',
  oneLine: '[scanobjects,...]',
  about: 'What to look for; needed to start. Descriptors, each as a text or as an object with a range.',
  fields: [
    { name: 'descriptor', type: 'string', about: 'An output descriptor.' },
    {
      name: '',
      type: 'object',
      about: '',
      fields: [
        { name: 'desc', type: 'string', required: true, about: 'An output descriptor.' },
        {
          name: 'range',
          type: 'range',
          default: 1000,
          about: 'For a ranged descriptor: the last index, or the first and the last.',
        },
      ],
    },
  ],
}

/** The scripts to look for, by their hex, each with what describes it. */
export type ScanScripts = ReadonlyMap<string, DescribedScript>

function textAndRange(value: Json): { text: string; range: { first: number; last: number } } {
  if (typeof value === 'string') return { text: value, range: DEFAULT_RANGE }
  if (!(value instanceof JsonObject)) {
    throw new RpcError(RPC_INVALID_PARAMETER, 'Scan object needs to be either a string or an object')
  }
  const desc = value.get('desc') ?? null
  if (desc === null) {
    throw new RpcError(RPC_INVALID_PARAMETER, 'Descriptor needs to be provided in scan object')
  }
  const text = asString(desc)
  const range = value.get('range') ?? null
  return { text, range: range === null ? DEFAULT_RANGE : parseRange(range) }
}

/** The scripts that a call's scan objects stand for. */
export async function scanScripts(context: RpcContext, value: Json | undefined): Promise<ScanScripts> {
  if (value === undefined || value === null) {
    throw new RpcError(RPC_MISC_ERROR, 'scanobjects argument is required for the start action')
  }
  const [{ describedScripts }, { isRanged }] = await Promise.all([
    import('../../bitcoin/descriptors/definite.ts'),
    import('../../bitcoin/descriptors/descriptor.ts'),
  ])
  const scripts = new Map<string, DescribedScript>()
  let sliceEnd = performance.now() + SLICE_MS
  for (const object of asArray(value)) {
    const { text, range } = textAndRange(object)
    const { descriptors } = await parseDescriptorArgument(context, text)
    const { first, last } = isRanged(descriptors[0]) ? range : { first: 0, last: 0 }
    for (let index = first; index <= last; index++) {
      for (const descriptor of descriptors) {
        const described = describedScripts(descriptor, index)
        if (described === undefined) {
          throw new RpcError(RPC_INVALID_ADDRESS_OR_KEY, `Cannot derive script without private keys: '${text}'`)
        }
        for (const one of described) {
          const key = toHex(one.script)
          if (!scripts.has(key)) scripts.set(key, one)
        }
      }
      if (performance.now() < sliceEnd) continue
      await new Promise(resolve => setImmediate(resolve))
      sliceEnd = performance.now() + SLICE_MS
    }
  }
  return scripts
}
