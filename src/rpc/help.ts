import { writeJson } from './json/write-json.ts'
import type { RpcMethod, RpcParam } from './method.ts'

/** How a parameter shows in the usage line: strings in quotes, objects and arrays by their contents. */
function usageOf(param: RpcParam): string {
  if (param.oneLine !== undefined) return param.oneLine
  switch (param.type) {
    case 'string':
    case 'hex':
      return `"${param.name}"`
    case 'object':
      return `{${fieldUsage(param)}}`
    case 'options':
    case 'record':
      return `{${fieldUsage(param)},...}`
    case 'array':
      return `[${(param.fields ?? []).map(field => `${usageOf(field)},`).join('')}...]`
    default:
      return param.name
  }
}

function fieldUsage(param: RpcParam): string {
  return (param.fields ?? []).map(field => `"${field.name}":${valueUsage(field)}`).join(',')
}

function valueUsage(field: RpcParam): string {
  switch (field.type) {
    case 'string':
      return '"str"'
    case 'hex':
      return '"hex"'
    case 'number':
      return 'n'
    case 'range':
      return 'n or [n,n]'
    case 'amount':
      return 'amount'
    case 'bool':
      return 'bool'
    case 'array':
      return `[${(field.fields ?? []).map(inner => `${usageOf(inner)},`).join('')}...]`
    default:
      return '{...}'
  }
}

function shownParams(method: RpcMethod): RpcParam[] {
  const hidden = method.params.findIndex(param => param.hidden)
  return method.params.slice(0, hidden === -1 ? undefined : hidden)
}

/** The line of `help` for a method: its name and parameters, optional ones in round brackets. */
export function usageLine(method: RpcMethod): string {
  let line = method.name
  let inOptional = false
  for (const param of shownParams(method)) {
    if (!param.required && !inOptional) line += ' ('
    if (param.required && inOptional) line += ' )'
    inOptional = !param.required
    line += ` ${usageOf(param)}`
  }
  return inOptional ? `${line} )` : line
}

const TYPE_LABEL = {
  string: 'string',
  hex: 'string',
  number: 'numeric',
  bool: 'boolean',
  amount: 'numeric or string',
  range: 'numeric or array',
  array: 'json array',
  object: 'json object',
  options: 'json object',
  record: 'json object',
} as const

function paramLines(param: RpcParam, label: string, indent: string): string[] {
  const type = param.typeLabel ?? TYPE_LABEL[param.type]
  const fallback = param.defaultHint ?? (param.default === undefined ? undefined : writeJson(param.default))
  const need = param.required ? 'required' : fallback === undefined ? 'optional' : `optional, default=${fallback}`
  const inner = (param.fields ?? []).filter(field => !field.hidden)
  return [
    `${indent}${label}    (${type}, ${need}) ${param.about}`,
    ...inner.flatMap(field => paramLines(field, `"${field.name}"`, `${indent}     `)),
  ]
}

/** The full text of `help` for a method; also the error for a call with a wrong number of arguments. */
export function helpText(method: RpcMethod): string {
  const params = shownParams(method).flatMap((param, i) => paramLines(param, `${i + 1}. ${param.name}`, ''))
  const sections = [usageLine(method), method.about]
  if (params.length > 0) sections.push(['Arguments:', ...params].join('\n'))
  if (method.result !== '') sections.push(`Result:\n${method.result}`)
  return `${sections.join('\n\n')}\n`
}
