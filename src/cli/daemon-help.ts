import { DAEMON_FLAGS, FLAG_GROUPS, type FlagHelp } from './daemon-flags.ts'

const WIDTH = 79
const INDENT = '       '

/** Words in lines of at most {@link WIDTH} characters, all indented. */
function wrap(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && INDENT.length + line.length + 1 + word.length > WIDTH) {
      lines.push(INDENT + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, INDENT + line].join('\n')
}

function namesOf(effect: 'none' | 'missing'): string {
  const names = [...DAEMON_FLAGS].filter(([, kind]) => kind.effect === effect).map(([name]) => `-${name}`)
  return wrap(names.sort().join(' '))
}

/** Flags, each with what it does. */
export function helpOfFlags(flags: readonly FlagHelp[]): string {
  return flags.map(([name, value, about]) => `  -${name}${value}\n${wrap(about)}`).join('\n\n')
}

/** The text of -help; with -help-debug also the names of flags without effect. */
export function daemonHelp(options: { all: boolean }): string {
  const groups = FLAG_GROUPS.map(({ title, flags }) => `${title}:\n\n${helpOfFlags(flags)}`)
  const more = options.all
    ? [
        `Flags of bitcoind that are taken without effect:\n\n${namesOf('none')}`,
        `Flags of bitcoind that are refused because their feature is missing:\n\n${namesOf('missing')}`,
      ]
    : []
  return [
    'peersd runs a peer of the Bitcoin network with the flags, the configuration file and the interfaces of bitcoind.',
    'Usage: peersd [options]',
    ...groups,
    ...more,
  ].join('\n\n')
}
