/**
 * What happened in a world, in order: a digest of all of it, to tell whether two runs were the same, and the lines of those things that
 * people want to read.
 */
export class EventLog {
  readonly #linesMax: number
  readonly #lines: string[] = []
  // Two rounds of FNV-1a over 32 bits, apart by their beginnings; nobody tries to trick this.
  #low = 0x811c_9dc5
  #high = 0x1234_5678
  /** Events so far. */
  count = 0

  constructor(linesMax: number) {
    this.#linesMax = linesMax
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x0100_0193) >>> 0
    this.#high = Math.imul(this.#high ^ (word + this.#low), 0x0100_0193) >>> 0
  }

  /** Something small and frequent: a number that names it, and figures. */
  note(kind: number, timeMs: number, figures: readonly number[]): void {
    this.count++
    this.#mix(kind)
    this.#mix(timeMs)
    for (const figure of figures) this.#mix(figure)
  }

  /** Some of the bytes that were passed on. */
  noteBytes(bytes: Uint8Array): void {
    const step = Math.max(bytes.length >> 5, 1)
    for (let i = 0; i < bytes.length; i += step) this.#mix(bytes[i])
  }

  /** Something that is worth a line. */
  say(timeMs: number, text: string): void {
    this.count++
    this.#mix(timeMs)
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
    this.#lines.push(`${(timeMs / 1000).toFixed(3)} ${text}`)
    if (this.#lines.length > 2 * this.#linesMax) this.#lines.splice(0, this.#linesMax)
  }

  get digest(): string {
    return [this.#low, this.#high, this.count].map(word => word.toString(16).padStart(8, '0')).join('')
  }

  /** The last lines. */
  get lines(): readonly string[] {
    return this.#lines.slice(-this.#linesMax)
  }
}
