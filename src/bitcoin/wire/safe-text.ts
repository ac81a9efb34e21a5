const UNSAFE = /[^a-zA-Z0-9 .,;\-_/:?@()]/g

/** Text of a peer with everything left out that could confuse a log or a terminal; Core keeps the same characters. */
export function safeText(text: string): string {
  return text.replace(UNSAFE, '')
}

/** Text of bytes, each byte one character, so that nothing is lost and nothing can fail. */
export function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

/** The bytes of text of {@link latin1}. */
export function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, character => character.charCodeAt(0))
}
