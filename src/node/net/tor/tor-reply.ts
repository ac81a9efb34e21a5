/** One answer of Tor: a code, and lines without it. */
export interface TorReply {
  readonly code: number
  readonly lines: readonly string[]
}

/** Codes of Tor's control-spec that are told apart. */
export const TOR_OK = 250
export const TOR_UNRECOGNIZED = 510
export const TOR_SYNTAX_ERROR = 512
/** From here on answers were not asked for. */
export const TOR_ASYNC_MIN = 600

/** control-spec: a line such as `AUTH METHODS=COOKIE` as its first word and the rest. */
export function splitTorLine(line: string): readonly [word: string, rest: string] {
  const space = line.indexOf(' ')
  return space === -1 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)]
}

/** control-spec 2.1.1: what stands behind a backslash, as in C. */
function withoutEscapes(text: string): string {
  return text.replace(/\\([0-3][0-7]{2}|[0-7]{1,2}|[\s\S])/g, (_, escaped: string) => {
    if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8))
    return { n: '\n', t: '\t', r: '\r' }[escaped] ?? escaped
  })
}

/**
 * control-spec: `KEY=value OTHER="a quoted value"` as a map. It ends at the first word that is no pair; text that breaks off in a
 * pair is refused as a whole.
 *
 * @returns undefined where the text makes no sense
 */
export function parseTorPairs(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>()
  let rest = text
  while (rest !== '') {
    const key = /^[^= ]*/.exec(rest)![0]
    rest = rest.slice(key.length)
    if (rest === '') return undefined
    if (rest.startsWith(' ')) break
    const quoted = /^="((?:[^"\\]|\\[\s\S])*)"/.exec(rest)
    if (quoted !== null) {
      pairs.set(key, withoutEscapes(quoted[1]))
      rest = rest.slice(quoted[0].length)
    } else if (rest.startsWith('="')) {
      return undefined
    } else {
      const plain = /^=([^ ]*)/.exec(rest)!
      pairs.set(key, plain[1])
      rest = rest.slice(plain[0].length)
    }
    if (rest.startsWith(' ')) rest = rest.slice(1)
  }
  return pairs
}

/** control-spec: a QuotedString. */
export function quoteForTor(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}

/** The SOCKS port in an answer to `GETINFO net/listeners/socks`: the one of 127.0.0.1 where there are several. */
export function socksListenerOf(reply: TorReply): string | undefined {
  const prefix = 'net/listeners/socks='
  const listeners = reply.lines
    .filter(line => line.startsWith(prefix))
    .flatMap(line => line.slice(prefix.length).split(' '))
    .map(text => text.replace(/^(["'])(.*)\1$/, '$2'))
    .filter(text => text !== '')
  return listeners.find(text => text.startsWith('127.0.0.1:')) ?? listeners.at(-1)
}
