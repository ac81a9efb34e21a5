import type { HeaderSource } from '../src/bitcoin/consensus/header-source.ts'

/** A header as far as rules look at it. */
export interface PlainHeader {
  readonly time: number
  readonly bits?: number
  readonly version?: number
  /** The parent's number; the header before unless said. */
  readonly previous?: number
}

/** A tree of headers as a plain list: the naive twin of the block index. */
export class HeaderList implements HeaderSource {
  readonly #headers: Required<PlainHeader>[] = []
  readonly #heights: number[] = []

  get count(): number {
    return this.#headers.length
  }

  /** Adds a header; its number. */
  add({ time, bits = 0x207fffff, version = 0x20000000, previous = this.count - 1 }: PlainHeader): number {
    this.#headers.push({ time, bits, version, previous })
    this.#heights.push(previous < 0 ? 0 : this.#heights[previous] + 1)
    return this.count - 1
  }

  height(id: number): number {
    return this.#heights[id]
  }

  previous(id: number): number {
    return this.#headers[id].previous
  }

  ancestor(id: number, height: number): number {
    let at = id
    while (this.height(at) > height) at = this.previous(at)
    return at
  }

  time(id: number): number {
    return this.#headers[id].time
  }

  bits(id: number): number {
    return this.#headers[id].bits
  }

  version(id: number): number {
    return this.#headers[id].version
  }

  hashHex(id: number): string {
    return id.toString(16).padStart(64, '0')
  }
}
