import { type Json, JsonNumber, JsonObject } from './json-value.ts'

/** Levels of nesting that are read; deeper text is refused. */
const JSON_DEPTH_MAX = 512

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const SPACE = /[ \t\n\r]*/y
const LONE_SURROGATE = /\p{Surrogate}/u
/** Up to the closing quote of a string without escapes. */
const PLAIN_STRING = /[ !#-[\]-\uffff]*"/y

/** Reads one JSON text; `undefined` where it is not one (a JSON text never is undefined). */
export function readJson(text: string): Json | undefined {
  const reader = new JsonReader(text)
  const value = reader.value(0)
  reader.space()
  return value === undefined || reader.position !== text.length ? undefined : value
}

class JsonReader {
  readonly #text: string
  position = 0

  constructor(text: string) {
    this.#text = text
  }

  space(): void {
    const code = this.#text.charCodeAt(this.position)
    if (code > 32) return
    SPACE.lastIndex = this.position
    SPACE.test(this.#text)
    this.position = SPACE.lastIndex
  }

  value(depth: number): Json | undefined {
    this.space()
    switch (this.#text[this.position]) {
      case '{':
        return depth < JSON_DEPTH_MAX ? this.#object(depth + 1) : undefined
      case '[':
        return depth < JSON_DEPTH_MAX ? this.#array(depth + 1) : undefined
      case '"':
        return this.#string()
      case 'n':
        return this.#word('null', null)
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      default:
        return this.#number()
    }
  }

  #take(character: string): boolean {
    this.space()
    if (this.#text[this.position] !== character) return false
    this.position++
    return true
  }

  #word<T extends Json>(word: string, value: T): T | undefined {
    if (!this.#text.startsWith(word, this.position)) return undefined
    this.position += word.length
    return value
  }

  #number(): Json | undefined {
    NUMBER.lastIndex = this.position
    if (!NUMBER.test(this.#text)) return undefined
    const start = this.position
    this.position = NUMBER.lastIndex
    // A digit behind a leading zero would have been left over.
    return new JsonNumber(this.#text.slice(start, this.position))
  }

  #string(): string | undefined {
    const start = this.position + 1
    PLAIN_STRING.lastIndex = start
    if (PLAIN_STRING.test(this.#text)) {
      this.position = PLAIN_STRING.lastIndex
      return this.#text.slice(start, this.position - 1)
    }
    return this.#escapedString(start)
  }

  /** A string with escapes, whose unescaping is left to the engine; `start` is behind the opening quote. */
  #escapedString(start: number): string | undefined {
    let end = start
    for (;;) {
      end = this.#text.indexOf('"', end)
      if (end === -1) return undefined
      let slashes = 0
      while (this.#text[end - 1 - slashes] === '\\') slashes++
      if (slashes % 2 === 0) break
      end++
    }
    this.position = end + 1
    try {
      const value = JSON.parse(this.#text.slice(start - 1, end + 1)) as string
      return LONE_SURROGATE.test(value) ? undefined : value
    } catch {
      return undefined
    }
  }

  #array(depth: number): Json[] | undefined {
    this.position++
    const items: Json[] = []
    if (this.#take(']')) return items
    do {
      const item = this.value(depth)
      if (item === undefined) return undefined
      items.push(item)
    } while (this.#take(','))
    return this.#take(']') ? items : undefined
  }

  #object(depth: number): JsonObject | undefined {
    this.position++
    const object = new JsonObject()
    if (this.#take('}')) return object
    do {
      this.space()
      if (this.#text[this.position] !== '"') return undefined
      const key = this.#string()
      if (key === undefined || !this.#take(':')) return undefined
      const value = this.value(depth)
      if (value === undefined) return undefined
      object.add(key, value)
    } while (this.#take(','))
    return this.#take('}') ? object : undefined
  }
}
