import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { testCells } from './cells.ts'
import { enterNetworkNamespace, NAMESPACE_HOST, OTHER_NAMESPACE_HOSTS } from './network-namespace.ts'
import { Program, skipUnlessRuns } from './programs.ts'
import { freePort, type Job, listening, type Running } from './real-client.ts'

// Its exit status says nothing: the usage text does.
const notInstalled = skipUnlessRuns('sh', ['-c', 'command -v transmission-daemon'], 'transmission-daemon')
const skip = notInstalled || enterNetworkNamespace()

/** Calls Transmission's RPC; its first answer gives the session's id. */
async function rpc(port: number, method: string, args: object): Promise<Record<string, never>> {
  let session = ''
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/transmission/rpc`, {
      method: 'POST',
      headers: { 'x-transmission-session-id': session },
      body: JSON.stringify({ method, arguments: args }),
    })
    session = response.headers.get('x-transmission-session-id') ?? ''
    const text = await response.text()
    if (response.status === 409) continue
    const answer = JSON.parse(text)
    if (answer.result !== 'success') throw new Error(`${method}: ${answer.result}`)
    return answer.arguments
  }
}

interface TorrentStatus {
  readonly leftUntilDone: number
  readonly sizeWhenDone: number
  readonly status: number
  readonly metadataPercentComplete: number
  readonly recheckProgress: number
  readonly errorString: string
}

/** Stopped, waiting to check its files, checking them, waiting to fetch. */
const NOT_READY = [0, 1, 2, 3]

async function start(job: Job): Promise<Running & { status(): Promise<TorrentStatus> }> {
  const host = job.host ?? NAMESPACE_HOST
  const [port, rpcPort] = [await freePort(host), await freePort()]
  // A client that is killed and comes again is the same one.
  const config = `${job.folder}.transmission`
  await mkdir(config, { recursive: true })
  await mkdir(job.folder, { recursive: true })
  const settings = {
    'bind-address-ipv4': host,
    'dht-enabled': false,
    'download-dir': job.folder,
    encryption: 0,
    'lpd-enabled': false,
    'peer-port': port,
    'pex-enabled': true,
    'port-forwarding-enabled': false,
    preallocation: 0,
    'rename-partial-files': false,
    'rpc-port': rpcPort,
    'rpc-bind-address': '127.0.0.1',
    'utp-enabled': false,
    ...(job.upBytesPerSecond !== undefined && {
      'speed-limit-up': Math.round(job.upBytesPerSecond / 1000),
      'speed-limit-up-enabled': true,
    }),
  }
  await writeFile(join(config, 'settings.json'), JSON.stringify(settings))
  const program = new Program('transmission-daemon', ['--foreground', '--config-dir', config, '--log-error'])
  await listening(rpcPort)
  await listening(port, host)
  const isMagnet = job.source.startsWith('magnet:')
  const source = isMagnet ? { filename: job.source } : { metainfo: (await readFile(job.source)).toString('base64') }
  const wanted = job.only === undefined ? {} : await unwantedBut(job)
  const added = rpc(rpcPort, 'torrent-add', { ...source, ...wanted, 'download-dir': job.folder })
  await added.catch(async error => {
    await program.stop()
    throw error
  })
  const fields = [
    'leftUntilDone',
    'sizeWhenDone',
    'status',
    'metadataPercentComplete',
    'recheckProgress',
    'errorString',
  ]
  const status = async () => {
    const { torrents } = await rpc(rpcPort, 'torrent-get', { fields })
    return torrents[0] as TorrentStatus
  }
  // It hangs up on who calls before it has looked at its files.
  while (NOT_READY.includes((await status()).status)) await new Promise(resolve => setTimeout(resolve, 50))
  return {
    program,
    port,
    status,
    done: async () => {
      for (;;) {
        const { leftUntilDone, sizeWhenDone, metadataPercentComplete, status: state, errorString } = await status()
        const isDone = leftUntilDone === 0 && sizeWhenDone > 0 && metadataPercentComplete === 1
        if (isDone && !NOT_READY.includes(state)) return
        if (errorString !== '') throw new Error(errorString)
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    },
  }
}

async function unwantedBut(job: Job): Promise<object> {
  const { parseMetainfo } = await import('../../src/bittorrent/metainfo/metainfo.ts')
  const metainfo = parseMetainfo(new Uint8Array(await readFile(job.source)))
  if (!metainfo.ok) throw new Error(metainfo.code)
  const all = metainfo.value.info.files.map((_, index) => index)
  return { 'files-wanted': job.only, 'files-unwanted': all.filter(index => !job.only!.includes(index)) }
}

testCells({
  name: 'transmission',
  skip,
  // It decides every ten seconds whom to ask and whom to serve: most of the time it waits.
  concurrency: 12,
  host: NAMESPACE_HOST,
  otherHosts: OTHER_NAMESPACE_HOSTS,
  versions: ['v1'],
  // Debian's version refuses a torrent that has a part for v2: to its parser, the empty key of BEP 52's file tree is none.
  unreadable: { v2: /invalid or corrupt torrent file/, hybrid: /invalid or corrupt torrent file/ },
  lacks: {},
  async seed(job) {
    const running = await start(job)
    await running.done()
    return running
  },
  get: start,
  inspect: async torrentFile => {
    const folder = dirname(torrentFile)
    const refused = start({ source: torrentFile, folder })
    return await refused.then(
      () => '',
      error => `${error}`,
    )
  },
})
