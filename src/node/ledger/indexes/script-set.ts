/** A set of scripts that is asked often. */
export class ScriptSet {
  readonly #lengths = new Set<number>()
  readonly #texts = new Set<string>()

  constructor(scripts: readonly Uint8Array[]) {
    for (const script of scripts) {
      this.#lengths.add(script.length)
      this.#texts.add(ScriptSet.#textOf(script))
    }
  }

  static #textOf(script: Uint8Array): string {
    let text = ''
    for (let i = 0; i < script.length; i++) text += String.fromCharCode(script[i])
    return text
  }

  has(script: Uint8Array): boolean {
    // Most scripts of other kinds are told by their length alone.
    return this.#lengths.has(script.length) && this.#texts.has(ScriptSet.#textOf(script))
  }
}
