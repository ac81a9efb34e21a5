import { COMMAND_SIZE, readCommand, writeCommand } from './command-field.ts'
import type { Command } from './messages.ts'

/** BIP324: commands that have a number, from 1 on, which stands for them in one byte. */
const NUMBERED: readonly Command[] = [
  'addr',
  'block',
  'blocktxn',
  'cmpctblock',
  'feefilter',
  'filteradd',
  'filterclear',
  'filterload',
  'getblocks',
  'getblocktxn',
  'getdata',
  'getheaders',
  'headers',
  'inv',
  'mempool',
  'merkleblock',
  'notfound',
  'ping',
  'pong',
  'sendcmpct',
  'tx',
  'getcfilters',
  'cfilter',
  'getcfheaders',
  'cfheaders',
  'getcfcheckpt',
  'cfcheckpt',
  'addrv2',
]

const NUMBER_OF: ReadonlyMap<string, number> = new Map(NUMBERED.map((command, i) => [command, i + 1]))

const LAST_CHARACTER = 0x7f

/** The most that a command takes in front of its payload: a zero, and its characters. */
export const V2_COMMAND_SIZE_MAX = 1 + COMMAND_SIZE

/** Bytes that a command takes in front of its payload. */
export function v2CommandSize(command: string): number {
  return NUMBER_OF.has(command) ? 1 : V2_COMMAND_SIZE_MAX
}

export function writeV2Command(command: string, out: Uint8Array, at: number): void {
  const number = NUMBER_OF.get(command)
  if (number === undefined) writeCommand(command, out, at + 1)
  else out[at] = number
}

/** The command that a packet's contents begin with; `undefined` where there is none that is known or legible. */
export function readV2Command(contents: Uint8Array): string | undefined {
  if (contents.length === 0) return undefined
  if (contents[0] !== 0) return NUMBERED[contents[0] - 1]
  if (contents.length < V2_COMMAND_SIZE_MAX) return undefined
  const { command, valid } = readCommand(contents, 1, LAST_CHARACTER)
  return valid ? command : undefined
}
