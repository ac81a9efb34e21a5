import { formatBytes, formatSeconds } from './progress.ts'
import type { SwarmAnswer, TorrentAnswer } from './running-swarm.ts'

/** Characters of a name that fit in the table. */
const NAME_CELLS_MAX = 40

export interface FileAnswer {
  readonly index: number
  readonly path: string
  readonly name?: string
  readonly size: number
  readonly done_bytes: number
  readonly wanted: boolean
}

export interface PeerAnswer {
  readonly address: string
  readonly client: string
  readonly seed: boolean
  readonly download_rate: number
  readonly upload_rate: number
}

/** How the trackers and web seeds of a torrent fare. */
export interface SourcesAnswer {
  readonly trackers: readonly {
    readonly url: string
    readonly seeders?: number | undefined
    readonly leechers?: number | undefined
    readonly error?: string | undefined
    readonly code?: string | undefined
    readonly next?: string | undefined
  }[]
  readonly web_seeds: readonly { readonly url: string; readonly state: string; readonly code?: string }[]
}

/** A share as per cent, never rounded up to a hundred. */
function percent(done: number, total: number): string {
  return total === 0 ? '' : `${(Math.floor((done / total) * 1000) / 10).toFixed(1)} %`
}

function rate(bytesPerSecond: number): string {
  return bytesPerSecond === 0 ? '' : `${formatBytes(bytesPerSecond)}/s`
}

function short(name: string): string {
  return name.length <= NAME_CELLS_MAX ? name : `${name.slice(0, NAME_CELLS_MAX - 1)}…`
}

/** Rows under a heading, each column as wide as its widest cell. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)))
  return rows
    .map(row =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function stateOf({ state, error }: TorrentAnswer): string {
  return error === undefined ? state : `${state}: ${error.code}`
}

/** All torrents, for people. */
export function swarmTable(info: SwarmAnswer, torrents: readonly TorrentAnswer[]): string {
  const hashing = info.hashing.map(
    ({ path, done_bytes, total_bytes }) => `hashing ${path}  ${percent(done_bytes, total_bytes)}`,
  )
  if (torrents.length === 0) return [...hashing, 'no torrents; add some with peers share and peers get'].join('\n')
  const rows = torrents.map(torrent => [
    torrent.infohash.slice(0, 8),
    short(torrent.name ?? '(not known yet)'),
    stateOf(torrent),
    percent(torrent.done_bytes, torrent.wanted_bytes),
    formatBytes(torrent.wanted_bytes),
    rate(torrent.download_rate),
    rate(torrent.upload_rate),
    formatBytes(torrent.uploaded_bytes),
    `${torrent.peers}`,
    torrent.seconds_left === undefined ? '' : formatSeconds(torrent.seconds_left),
  ])
  const heading = ['torrent', 'name', 'state', 'there', 'of', 'down', 'up', 'given', 'peers', 'left']
  const total = `${torrents.length} ${torrents.length === 1 ? 'torrent' : 'torrents'}   down ${formatBytes(info.download_rate)}/s   up ${formatBytes(info.upload_rate)}/s   ${info.connections} ${info.connections === 1 ? 'connection' : 'connections'}`
  return [columns([heading, ...rows]), ...hashing, total].join('\n')
}

/** One torrent, for people: with its files, and all that it comes from. */
export function torrentText(
  torrent: TorrentAnswer,
  files: readonly FileAnswer[],
  peers: readonly PeerAnswer[],
  { trackers, web_seeds }: SourcesAnswer,
): string {
  const lines = [
    `${torrent.name ?? '(not known yet)'}   ${stateOf(torrent)}   ${percent(torrent.done_bytes, torrent.wanted_bytes)}`,
    `infohash  ${torrent.infohash}`,
    `folder    ${torrent.folder}`,
    `moved     ${formatBytes(torrent.downloaded_bytes)} down, ${formatBytes(torrent.uploaded_bytes)} up`,
    `magnet    ${torrent.magnet}`,
  ]
  if (torrent.error !== undefined) lines.push(`error     ${torrent.error.message}`)
  if (torrent.error?.next !== undefined) lines.push(`next      ${torrent.error.next}`)
  for (const { path, name = path, size, done_bytes, wanted } of files) {
    lines.push(`file      ${name}   ${formatBytes(size)}   ${wanted ? percent(done_bytes, size) : 'not wanted'}`)
  }
  for (const { url, error, seeders, leechers } of trackers) {
    const knows = seeders === undefined ? '' : `knows ${seeders} with all of it, ${leechers ?? 0} with some`
    lines.push(`tracker   ${url}   ${error ?? knows}`.trimEnd())
  }
  for (const { url, state, code } of web_seeds) {
    lines.push(`web seed  ${url}   ${state}${code === undefined ? '' : `: ${code}`}`)
  }
  for (const { address, client, seed, download_rate, upload_rate } of peers) {
    const rates = `down ${formatBytes(download_rate)}/s   up ${formatBytes(upload_rate)}/s`
    lines.push(`peer      ${address}   ${client === '' ? 'unknown client' : client}   ${seed ? 'seed   ' : ''}${rates}`)
  }
  return lines.join('\n')
}
