import { createSocket } from 'node:dgram'
import { OperationError } from '../base/errors.ts'
import type { AskByDatagram } from '../base/ports/datagrams.ts'
import { withZoneName } from './zone-names.ts'

/** Questions over UDP. A connected socket hears nobody but the one it is connected to. */
export const askByUdp: AskByDatagram = question =>
  new Promise((resolve, reject) => {
    const { to, from, ask, isAnswer, tries, timeoutMs } = question
    const socket = createSocket({ type: to.host.includes(':') ? 'udp6' : 'udp4' })
    let left = tries
    let timer: NodeJS.Timeout | undefined
    let isOver = false
    const end = (finish: () => void): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      socket.close()
      finish()
    }
    const fail = (reason: string, cause?: unknown): void =>
      end(() => reject(new OperationError('no-answer', `No answer from ${to.host}: ${reason}`, { cause })))
    const attempt = (): void => {
      if (left-- === 0) {
        fail('it does not answer')
        return
      }
      socket.send(ask(socket.address().address), error => {
        if (error !== null) fail(error.message, error)
      })
      timer = setTimeout(attempt, timeoutMs)
    }
    socket.on('error', error => fail(error.message, error))
    socket.on('message', data => {
      const datagram = new Uint8Array(data)
      if (isAnswer(datagram)) end(() => resolve(datagram))
    })
    socket.bind({ port: 0, ...(from === undefined ? {} : { address: withZoneName(from) }) }, () => {
      socket.once('connect', attempt)
      socket.connect(to.port, withZoneName(to.host))
    })
  })
