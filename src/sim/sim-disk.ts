import { OperationError } from '../base/errors.ts'
import type { Files, OpenFile } from '../base/ports/files.ts'
import type { Random } from '../base/ports/random.ts'
import type { Store } from '../base/ports/store.ts'
import { type DiskRoom, JournaledFiles } from './journaled-files.ts'
import { JournaledStore } from './journaled-store.ts'

/** A folder inside another. */
class Folder implements Files {
  readonly #files: Files
  readonly #path: string

  constructor(files: Files, path: string) {
    this.#files = files
    this.#path = path
  }

  #of(path: string): string {
    return path === '' ? this.#path : `${this.#path}/${path}`
  }

  exists(path: string): boolean {
    return this.#files.exists(this.#of(path))
  }

  list(path: string): string[] {
    return this.#files.list(this.#of(path))
  }

  makeFolder(path: string): void {
    this.#files.makeFolder(this.#of(path))
  }

  open(path: string, options?: { create?: boolean; readOnly?: boolean }): OpenFile {
    return this.#files.open(this.#of(path), options)
  }

  read(path: string): Uint8Array {
    return this.#files.read(this.#of(path))
  }

  replace(path: string, data: Uint8Array): void {
    this.#files.replace(this.#of(path), data)
  }

  remove(path: string): void {
    this.#files.remove(this.#of(path))
  }

  rename(from: string, to: string): void {
    this.#files.rename(this.#of(from), this.#of(to))
  }
}

/**
 * A machine's disk in a virtual world: files and stores, which a loss of power may cost what was not synced, and which may be full.
 *
 * @example
 * const disk = new SimDisk()
 * disk.folder('blocks').open('blk00000.dat', { create: true }).writeAt(bytes, 0)
 * const later = disk.afterCrash(seededRandom(7))
 */
export class SimDisk implements DiskRoom {
  #files = new JournaledFiles(this)
  readonly #stores = new Map<string, JournaledStore>()
  /** Whether nothing more can be written. */
  isFull = false

  /** The files of a folder, which need not be there yet. */
  folder(path: string): Files {
    return path === '' ? this.#files : new Folder(this.#files, path)
  }

  get blocks(): Files {
    return this.folder('blocks')
  }

  async openStore(path: string): Promise<Store> {
    let store = this.#stores.get(path)
    if (store === undefined) {
      store = new JournaledStore(this)
      this.#stores.set(path, store)
    }
    return store
  }

  take(bytes: number): void {
    if (this.isFull && bytes > 0) throw new OperationError('disk-full', 'No room left on the disk')
  }

  removed(path: string): void {
    for (const store of [...this.#stores.keys()]) {
      if (store === path || store.startsWith(`${path}/`)) this.#stores.delete(store)
    }
  }

  /**
   * The disk as the next start finds it. Whoever still writes to this one does so in vain.
   *
   * @param random draws what is lost of what was not synced; undefined where only the program ended, which loses nothing
   */
  afterCrash(random: Random | undefined): SimDisk {
    const after = new SimDisk()
    after.#files = this.#files.survivors(random, after)
    for (const [path, store] of this.#stores) after.#stores.set(path, store.survivors(random, after))
    return after
  }
}
