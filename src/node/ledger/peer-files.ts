import type { Crypto } from '../../base/crypto/backend.ts'
import { OperationError } from '../../base/errors.ts'
import type { Files } from '../../base/ports/files.ts'
import type { Random } from '../../base/ports/random.ts'
import { AddressManager, DETERMINISTIC_BUCKET_KEY } from '../../bitcoin/p2p/addresses/address-manager.ts'
import { decodeAnchorsFile, encodeAnchorsFile } from '../../bitcoin/p2p/addresses/anchors-file.ts'
import { decodePeersFile, encodePeersFile, PEERS_FILE_INCOMPATIBLE } from '../../bitcoin/p2p/addresses/peers-file.ts'
import type { BanList } from '../../bitcoin/p2p/connections/ban-list.ts'
import type { GossipedAddress } from '../../bitcoin/wire/address-messages.ts'
import type { Log } from '../log.ts'

const PEERS_FILE = 'peers.dat'
const ANCHORS_FILE = 'anchors.dat'
const BANS_FILE = 'banlist.json'

export interface PeerFilesParts {
  /** The network's folder. */
  readonly files: Files
  /** The folder's path, for people. */
  readonly path: string
  readonly magic: Uint8Array
  readonly crypto: Crypto
  readonly random: Random
  readonly log: Log
  /** -test=addrman: the tables' places are known to tests. */
  readonly deterministicAddresses: boolean
}

/** What is kept about peers over restarts: addresses, anchors and bans, in Core's files. */
export class PeerFiles {
  readonly #parts: PeerFilesParts

  constructor(parts: PeerFilesParts) {
    this.#parts = parts
  }

  #pathOf(name: string): string {
    return `${this.#parts.path}/${name}`
  }

  /** The addresses that were known; none in a new folder. Throws OperationError `peers-file-damaged`, in Core's words. */
  loadAddresses(): AddressManager {
    const { files, magic, random, crypto, log, deterministicAddresses } = this.#parts
    const start = performance.now()
    const path = this.#pathOf(PEERS_FILE)
    const key = deterministicAddresses ? DETERMINISTIC_BUCKET_KEY : random.bytes(32)
    const fresh = (): AddressManager => {
      const manager = new AddressManager({ key, random, hash: crypto })
      this.saveAddresses(manager)
      return manager
    }
    if (!files.exists(PEERS_FILE)) {
      log.info(`Creating peers.dat because the file was not found ("${path}")`)
      return fresh()
    }
    const loaded = decodePeersFile(files.read(PEERS_FILE), magic, { random, hash: crypto })
    if (loaded.ok) {
      const ms = Math.round(performance.now() - start)
      log.info(`Loaded ${loaded.value.counts().total} addresses from peers.dat ${ms}ms`)
      return loaded.value
    }
    if (loaded.code === PEERS_FILE_INCOMPATIBLE) {
      files.rename(PEERS_FILE, `${PEERS_FILE}.bak`)
      log.warning(
        `Creating new peers.dat because the file version was not compatible ("${path}"). Original backed up to peers.dat.bak`,
      )
      return fresh()
    }
    throw new OperationError(
      'peers-file-damaged',
      `Invalid or corrupt peers.dat (${loaded.detail ?? loaded.code}). If you believe this is a bug, please report it to the ` +
        `developers. As a workaround, you can move the file ("${path}") out of the way (rename, move, or delete) to have a new one ` +
        'created on the next start.',
    )
  }

  saveAddresses(manager: AddressManager): void {
    const { files, magic, crypto, log } = this.#parts
    const start = performance.now()
    files.replace(PEERS_FILE, encodePeersFile(manager.records(), magic, crypto))
    log.debug('net', () => {
      const ms = Math.round(performance.now() - start)
      return `Flushed ${manager.counts().total} addresses to peers.dat ${ms}ms`
    })
  }

  /** The block-relay-only peers of the last run; the file goes, so that a crash does not bring the same ones again. */
  takeAnchors(): readonly GossipedAddress[] {
    const { files, magic, crypto, log } = this.#parts
    if (!files.exists(ANCHORS_FILE)) return []
    const loaded = decodeAnchorsFile(files.read(ANCHORS_FILE), magic, crypto)
    files.remove(ANCHORS_FILE)
    const anchors = loaded.ok ? loaded.value : []
    log.info(`Loaded ${anchors.length} addresses from "anchors.dat"`)
    return anchors
  }

  saveAnchors(anchors: readonly GossipedAddress[]): void {
    const { files, magic, crypto, log } = this.#parts
    log.debug(
      'net',
      () => `DumpAnchors: Flush ${anchors.length} outbound block-relay-only peer addresses to anchors.dat started`,
    )
    files.replace(ANCHORS_FILE, encodeAnchorsFile(anchors, magic, crypto))
  }

  loadBans(bans: BanList, nowSeconds: number): void {
    const { files, log } = this.#parts
    if (!files.exists(BANS_FILE)) {
      log.info('Recreating the banlist database')
      this.saveBans(bans, nowSeconds)
      return
    }
    const loaded = bans.load(new TextDecoder().decode(files.read(BANS_FILE)), nowSeconds)
    if (loaded.ok) for (const line of loaded.value) log.warning(line)
    else log.error(`Cannot parse banlist ${this.#pathOf(BANS_FILE)}: ${loaded.detail ?? loaded.code}`)
  }

  saveBans(bans: BanList, nowSeconds: number): void {
    this.#parts.files.replace(BANS_FILE, new TextEncoder().encode(bans.toJson(nowSeconds)))
  }
}
