import { concatBytes, equalBytes, fromHex, toHex } from '../../../base/bytes/bytes.ts'
import { utf8 } from '../../../base/bytes/utf8.ts'
import { hmacSha256 } from '../../../base/crypto/hash.ts'
import { OperationError } from '../../../base/errors.ts'
import type { Random } from '../../../base/ports/random.ts'
import type { Log } from '../../log.ts'
import type { TorControl } from './tor-control.ts'
import { parseTorPairs, quoteForTor, splitTorLine, TOR_OK, type TorReply } from './tor-reply.ts'

const COOKIE_SIZE = 32
const NONCE_SIZE = 32
const SERVER_KEY = 'Tor safe cookie authentication server-to-controller hash'
const CLIENT_KEY = 'Tor safe cookie authentication controller-to-server hash'

export interface TorAuthenticationOptions {
  /** -torpassword; empty for none. */
  readonly password: string
  readonly random: Random
  /** Reads the cookie that Tor leaves for those who may read it; throws where that fails. */
  readonly readCookie: (path: string) => Uint8Array
  readonly log: Log
}

/** How Tor wants to be convinced. */
interface ProtocolInfo {
  readonly methods: readonly string[]
  readonly cookieFile: string
}

function failed(message: string): OperationError {
  return new OperationError('tor-authentication-failed', message, {
    next: 'look at -torpassword, or at Tor’s settings',
  })
}

function readProtocolInfo(reply: TorReply, log: Log): ProtocolInfo {
  if (reply.code !== TOR_OK) throw failed('Requesting protocol info failed')
  let methods: readonly string[] = []
  let cookieFile = ''
  for (const line of reply.lines) {
    const [word, rest] = splitTorLine(line)
    const pairs = parseTorPairs(rest)
    if (word === 'AUTH') {
      methods = pairs?.get('METHODS')?.split(',') ?? methods
      cookieFile = pairs?.get('COOKIEFILE') ?? cookieFile
    } else if (word === 'VERSION' && pairs?.has('Tor')) {
      log.debug('tor', `Connected to Tor version ${pairs.get('Tor')}`)
    }
  }
  for (const method of methods) log.debug('tor', `Supported authentication method: ${method}`)
  return { methods, cookieFile }
}

/** control-spec 3.24: both sides show that they know the cookie, and neither tells it. */
async function safeCookie(control: TorControl, cookieFile: string, options: TorAuthenticationOptions): Promise<string> {
  const { log, random, readCookie } = options
  log.debug('tor', `Using SAFECOOKIE authentication, reading cookie authentication from ${cookieFile}`)
  let cookie: Uint8Array
  try {
    cookie = readCookie(cookieFile)
  } catch {
    throw failed(`Authentication cookie ${cookieFile} could not be opened (check permissions)`)
  }
  if (cookie.length !== COOKIE_SIZE) {
    throw failed(`Authentication cookie ${cookieFile} is not exactly ${COOKIE_SIZE} bytes, as is required by the spec`)
  }
  const clientNonce = random.bytes(NONCE_SIZE)
  const reply = await control.command(`AUTHCHALLENGE SAFECOOKIE ${toHex(clientNonce)}`)
  if (reply.code !== TOR_OK) throw failed('SAFECOOKIE authentication challenge failed')
  const [word, rest] = splitTorLine(reply.lines[0])
  if (word !== 'AUTHCHALLENGE') throw failed('Invalid reply to AUTHCHALLENGE')
  const pairs = parseTorPairs(rest)
  const serverHash = fromHex(pairs?.get('SERVERHASH') ?? '')
  const serverNonce = fromHex(pairs?.get('SERVERNONCE') ?? '')
  if (serverNonce?.length !== NONCE_SIZE) throw failed('ServerNonce is not 32 bytes, as required by spec')
  const proof = (key: string): Uint8Array => hmacSha256(utf8(key), concatBytes(cookie, clientNonce, serverNonce))
  if (serverHash === undefined || !equalBytes(proof(SERVER_KEY), serverHash)) {
    throw failed('ServerHash does not match the expected ServerHash')
  }
  log.debug('tor', 'SAFECOOKIE authentication challenge successful')
  return `AUTHENTICATE ${toHex(proof(CLIENT_KEY))}`
}

/** Which way is taken, and what is said for it: a password that was given, else nothing, else the cookie. */
function authenticateCommand(
  control: TorControl,
  info: ProtocolInfo,
  options: TorAuthenticationOptions,
): Promise<string> {
  const { log, password } = options
  const offers = (method: string): boolean => info.methods.includes(method)
  if (password !== '') {
    if (!offers('HASHEDPASSWORD')) {
      throw failed('Password provided with -torpassword, but HASHEDPASSWORD authentication is not available')
    }
    log.debug('tor', 'Using HASHEDPASSWORD authentication')
    return Promise.resolve(`AUTHENTICATE ${quoteForTor(password)}`)
  }
  if (offers('NULL')) {
    log.debug('tor', 'Using NULL authentication')
    return Promise.resolve('AUTHENTICATE')
  }
  if (offers('SAFECOOKIE')) return safeCookie(control, info.cookieFile, options)
  throw failed(
    offers('HASHEDPASSWORD')
      ? 'The only supported authentication mechanism left is password, but no password provided with -torpassword'
      : 'No supported authentication method',
  )
}

/** Convinces Tor that it may do what we say; rejects with OperationError `tor-authentication-failed`, in Core's words. */
export async function authenticateToTor(control: TorControl, options: TorAuthenticationOptions): Promise<void> {
  const info = readProtocolInfo(await control.command('PROTOCOLINFO 1'), options.log)
  const reply = await control.command(await authenticateCommand(control, info, options))
  if (reply.code !== TOR_OK) throw failed('Authentication failed')
  options.log.debug('tor', 'Authentication successful')
}
