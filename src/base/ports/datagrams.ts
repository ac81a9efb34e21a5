import type { SocketAddress } from './net.ts'

/** How a question is put to one machine, in datagrams, which may be lost. */
export interface DatagramQuestion {
  readonly to: SocketAddress
  /** The address of ours that asks; undefined for whichever leads there. */
  readonly from?: string
  /** The question, which may depend on the address of ours that asks. */
  readonly ask: (from: string) => Uint8Array
  /** Whether a datagram is the answer; anything else is passed over. */
  readonly isAnswer: (datagram: Uint8Array) => boolean
  readonly tries: number
  readonly timeoutMs: number
}

/** Asks, again where no answer comes; rejects with OperationError `no-answer`. Only the machine that was asked is heard. */
export type AskByDatagram = (question: DatagramQuestion) => Promise<Uint8Array>
