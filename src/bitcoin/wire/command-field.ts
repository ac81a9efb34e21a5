import { invariant } from '../../base/errors.ts'
import { WIRE_LIMITS } from './limits.ts'

/** Bytes of a command on the wire: its characters, then zeros. */
export const COMMAND_SIZE = WIRE_LIMITS.commandLengthMax

/** A command as it stands on the wire. */
export interface CommandField {
  readonly command: string
  /** Whether it has none but printable characters, and nothing behind the first zero. */
  readonly valid: boolean
}

/** The command in the 12 bytes at `at`; `lastCharacter` is the highest that may stand in it. */
export function readCommand(bytes: Uint8Array, at: number, lastCharacter: number): CommandField {
  let command = ''
  let valid = true
  let ended = false
  for (let i = at; i < at + COMMAND_SIZE; i++) {
    const byte = bytes[i]
    if (byte === 0) ended = true
    else if (ended || byte < 0x20 || byte > lastCharacter) valid = false
    if (!ended) command += String.fromCharCode(byte)
  }
  return { command, valid }
}

export function writeCommand(command: string, out: Uint8Array, at: number): void {
  invariant(command.length <= COMMAND_SIZE, `command too long: ${command}`)
  for (let i = 0; i < command.length; i++) out[at + i] = command.charCodeAt(i)
}
