import { MESSAGE_CODECS } from '../../bitcoin/wire/messages.ts'

/** What getpeerinfo counts unknown commands, and messages that were no use, under. */
export const OTHER_COMMAND = '*other*'

/** Bytes that went over one connection. Times are in milliseconds since 1970; 0 for never. */
export interface TrafficFigures {
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly lastSendMs: number
  readonly lastReceiveMs: number
  /** Bytes of messages by command, framing included; what is not there is 0. */
  readonly sentPerCommand: ReadonlyMap<string, number>
  readonly receivedPerCommand: ReadonlyMap<string, number>
}

function add(counts: Map<string, number>, command: string, bytes: number): void {
  counts.set(command, (counts.get(command) ?? 0) + bytes)
}

/** Counts what goes over one connection. */
export class Traffic implements TrafficFigures {
  bytesSent = 0
  bytesReceived = 0
  lastSendMs = 0
  lastReceiveMs = 0
  readonly sentPerCommand = new Map<string, number>()
  readonly receivedPerCommand = new Map<string, number>()

  sentMessage(command: string, bytes: number): void {
    add(this.sentPerCommand, command, bytes)
  }

  /** Unknown commands are counted together: there is no end of them. */
  receivedMessage(command: string, bytes: number): void {
    add(this.receivedPerCommand, Object.hasOwn(MESSAGE_CODECS, command) ? command : OTHER_COMMAND, bytes)
  }
}
