import { toHex } from '../../../base/bytes/bytes.ts'
import { OperationError } from '../../../base/errors.ts'
import type { Files } from '../../../base/ports/files.ts'
import type { Random } from '../../../base/ports/random.ts'
import type { NetEndpoint } from '../../../bitcoin/wire/net-address.ts'
import { formatNetAddress, formatNetEndpoint } from '../../../bitcoin/wire/net-address-text.ts'
import type { Log } from '../../log.ts'
import type { Dialed } from '../dialer.ts'
import { destinationOfKey, endpointOfDestination, fromI2pBase64, I2P_SAM31_PORT, toI2pBase64 } from './destination.ts'
import { type SamRouter, SamTalk, samError, wordOf } from './sam-talk.ts'

/** The key of our lasting address in I2P; Core's file. */
export const I2P_KEY_FILE = 'i2p_private_key'

/** Ed25519; routers of old know no name for it. */
const SIGNATURE_TYPE = 'SIGNATURE_TYPE=7'

export interface I2pSessionOptions {
  readonly router: SamRouter
  readonly random: Random
  readonly log: Log
  /** The folder that keeps the key; without one the address is a fresh one, and gone with the session. */
  readonly keyFolder: Files | undefined
}

/** A session that stands at the router. */
interface Standing {
  readonly id: string
  readonly control: SamTalk
  readonly me: NetEndpoint
}

/** Waits for one connection from a peer. */
export interface I2pAccepting {
  readonly me: NetEndpoint
  /** Rejects with OperationError `i2p-failed`. */
  readonly accepted: Promise<Dialed>
}

function keyOf(text: string): Uint8Array {
  const key = fromI2pBase64(text)
  if (key === undefined) throw samError('Cannot decode Base64 of a key')
  return key
}

/** One address of ours in I2P, made at the router when it is first needed, and again where the router forgot it. */
export class I2pSession {
  readonly #options: I2pSessionOptions
  #standing: Standing | undefined
  #creating: Promise<Standing> | undefined
  readonly #accepting = new Set<SamTalk>()

  constructor(options: I2pSessionOptions) {
    this.#options = options
  }

  /**
   * Connects to a peer; rejects with OperationError `connect-failed` where the peer cannot be reached, `proxy-unreachable` where the
   * router is to blame.
   */
  async connect(to: NetEndpoint): Promise<Dialed> {
    const { log } = this.#options
    const text = formatNetEndpoint(to)
    if (to.port !== I2P_SAM31_PORT) {
      const why = `connection refused due to arbitrary port ${to.port}`
      log.debug('i2p', `Error connecting to ${text}, ${why}`)
      throw new OperationError('connect-failed', why)
    }
    try {
      return await this.#connect(to)
    } catch (error) {
      log.debug('i2p', `Error connecting to ${text}: ${(error as Error).message}`)
      this.#check()
      if ((error as OperationError).code === 'connect-failed') throw error
      throw new OperationError('proxy-unreachable', (error as Error).message, { cause: error })
    }
  }

  /** Has the router let one peer in; rejects with OperationError `i2p-failed`. */
  async accept(): Promise<I2pAccepting> {
    const { router, log } = this.#options
    try {
      const standing = await this.#create()
      const talk = await SamTalk.hello(router)
      const reply = await talk.ask(`STREAM ACCEPT ID=${standing.id} SILENT=false`)
      const result = wordOf(reply, 'RESULT', 'STREAM ACCEPT')
      if (result !== 'OK') {
        talk.close()
        throw this.#refusal(result, reply.line)
      }
      return { me: standing.me, accepted: this.#takePeer(talk, standing.me) }
    } catch (error) {
      log.error(`Couldn't listen: ${(error as Error).message}`)
      this.#check()
      throw error
    }
  }

  /** Ends the session, and the waiting for peers; connections that stand stay as long as the router wants. */
  close(): void {
    for (const talk of this.#accepting) talk.close()
    const standing = this.#standing
    this.#standing = undefined
    if (standing === undefined) return
    this.#options.log.info(`Destroying I2P SAM session ${standing.id}`)
    standing.control.close()
  }

  async #connect(to: NetEndpoint): Promise<Dialed> {
    const standing = await this.#create()
    const talk = await SamTalk.hello(this.#options.router)
    const lookup = `NAMING LOOKUP NAME=${formatNetAddress(to.address)}`
    const destination = wordOf(await talk.request(lookup), 'VALUE', lookup)
    const reply = await talk.ask(`STREAM CONNECT ID=${standing.id} DESTINATION=${destination} SILENT=false`)
    const result = wordOf(reply, 'RESULT', 'STREAM CONNECT')
    if (result === 'OK') return { held: talk.release(), remote: to, local: standing.me }
    talk.close()
    if (result === 'CANT_REACH_PEER' || result === 'TIMEOUT')
      throw new OperationError('connect-failed', `"${reply.line}"`)
    throw this.#refusal(result, reply.line)
  }

  #refusal(result: string, line: string): OperationError {
    if (result !== 'INVALID_ID') return samError(`"${line}"`)
    this.close()
    return samError('Invalid session id')
  }

  /** The router says who has come; then the stream is the peer's. */
  async #takePeer(talk: SamTalk, me: NetEndpoint): Promise<Dialed> {
    const { log } = this.#options
    this.#accepting.add(talk)
    const line = await talk.line().finally(() => this.#accepting.delete(talk))
    const destination = fromI2pBase64(line.split(' ')[0])
    if (destination !== undefined)
      return { held: talk.release(), remote: endpointOfDestination(destination), local: me }
    talk.close()
    // Whatever the control connection looks like: the router has given the session up.
    const isUnusable = line.includes('RESULT=I2P_ERROR')
    const why = isUnusable ? `unexpected reply that hints the session is unusable: ${line}` : 'Cannot decode Base64'
    log.debug('i2p', `Error accepting${isUnusable ? ' (will close the session)' : ''}: ${why}`)
    if (isUnusable) this.close()
    else this.#check()
    throw samError(why)
  }

  /** Gives up a session whose control connection is gone. */
  #check(): void {
    if (!this.#standing?.control.isOver) return
    this.#options.log.debug('i2p', 'Control socket error')
    this.close()
  }

  #create(): Promise<Standing> {
    this.#check()
    if (this.#standing !== undefined) return Promise.resolve(this.#standing)
    this.#creating ??= this.#createNew().finally(() => {
      this.#creating = undefined
    })
    return this.#creating
  }

  async #createNew(): Promise<Standing> {
    const { router, random, log, keyFolder } = this.#options
    const id = toHex(random.bytes(5))
    const kind = keyFolder === undefined ? 'transient' : 'persistent'
    log.debug('i2p', `Creating ${kind} I2P SAM session ${id} with ${router.text}`)
    const control = await SamTalk.hello(router)
    const create = `SESSION CREATE STYLE=STREAM ID=${id} DESTINATION=`
    let key: Uint8Array
    if (keyFolder === undefined) {
      const tunnels = 'i2cp.leaseSetEncType=4,0 inbound.quantity=1 outbound.quantity=1'
      const reply = await control.request(`${create}TRANSIENT ${SIGNATURE_TYPE} ${tunnels}`)
      key = keyOf(wordOf(reply, 'DESTINATION', 'SESSION CREATE ...'))
    } else {
      key = await this.#lastingKey(control, keyFolder)
      const tunnels = 'i2cp.leaseSetEncType=4,0 inbound.quantity=3 outbound.quantity=3'
      await control.request(`${create}${toI2pBase64(key)} ${tunnels}`)
    }
    const me = endpointOfDestination(destinationOfKey(key))
    const named = kind === 'transient' ? 'Transient' : 'Persistent'
    log.info(`${named} I2P SAM session ${id} created, my address=${formatNetEndpoint(me)}`)
    this.#standing = { id, control, me }
    return this.#standing
  }

  async #lastingKey(control: SamTalk, folder: Files): Promise<Uint8Array> {
    if (folder.exists(I2P_KEY_FILE)) return folder.read(I2P_KEY_FILE)
    const request = `DEST GENERATE ${SIGNATURE_TYPE}`
    const key = keyOf(wordOf(await control.ask(request), 'PRIV', request))
    folder.replace(I2P_KEY_FILE, key, { mode: 0o600 })
    return key
  }
}
