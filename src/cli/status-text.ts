import type { PeerStatus } from './commands/status.ts'
import { formatBytes, formatSeconds } from './swarm/progress.ts'

/** A share as per cent, never rounded up to a hundred. */
function percent(share: number): string {
  return share === 1 ? '100 %' : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`
}

function counts(parts: Readonly<Record<string, number>>): string {
  return Object.entries(parts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

function timeLeft({ secondsLeft }: PeerStatus): string {
  return secondsLeft === undefined ? '' : `   about ${formatSeconds(secondsLeft)} left`
}

const STAGE_TEXTS: Readonly<Record<PeerStatus['stage'], string>> = {
  alone: 'no peers: nobody says whether there is more',
  presync: 'following a chain whose work is still to be shown',
  headers: 'fetching headers',
  blocks: 'fetching blocks',
  synced: 'synced',
}

function peersText({ peers }: PeerStatus): string {
  const total = peers.in + peers.out
  if (total === 0) return '0'
  return `${total}   ${peers.out} out, ${peers.in} in   ${counts(peers.byNetwork)}   ${counts(peers.byTransport)}`
}

function storageText({ storage }: PeerStatus): string {
  const used = formatBytes(storage.bytes)
  return storage.budgetBytes === undefined ? used : `${used} of ${formatBytes(storage.budgetBytes)}`
}

/** A page for people. */
export function statusText(status: PeerStatus): string {
  const { stage, headers, presync, blocks, traffic } = status
  const left = timeLeft(status)
  const rows: [string, string][] = [
    [status.network, `${STAGE_TEXTS[stage]}   up ${formatSeconds(status.uptimeSeconds)}`],
    ...(presync === undefined
      ? []
      : ([['presync', `${percent(presync.share)}   height ${presync.height}${left}`]] as [string, string][])),
    ['headers', `${percent(headers.share)}   height ${headers.height}${stage === 'headers' ? left : ''}`],
    ['blocks', `${percent(blocks.share)} of work   height ${blocks.height}${stage === 'blocks' ? left : ''}`],
    ['peers', peersText(status)],
    ['traffic', `${formatBytes(traffic.receivedBytes)} received, ${formatBytes(traffic.sentBytes)} sent`],
    ['storage', storageText(status)],
  ]
  return rows.map(([name, text]) => `${name.padEnd(9)} ${text}\n`).join('')
}

/** The same in one line, for logs. */
export function statusLine(status: PeerStatus): string {
  const { headers, presync, blocks, peers, stage } = status
  return [
    ...(presync === undefined ? [] : [`presync ${percent(presync.share)}`]),
    `headers ${percent(headers.share)}`,
    `blocks ${percent(blocks.share)} of work`,
    storageText(status),
    `${peers.in + peers.out} peers`,
    secondsLeftOr(status, STAGE_TEXTS[stage]),
  ].join('   ')
}

function secondsLeftOr(status: PeerStatus, otherwise: string): string {
  return status.secondsLeft === undefined ? otherwise : timeLeft(status).trim()
}
