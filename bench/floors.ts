import { readFileSync } from 'node:fs'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { hex } from '../src/base/bytes/bytes.ts'
import type { Crypto } from '../src/base/crypto/backend.ts'
import { BlockScanner } from '../src/bitcoin/chainstate/block-scanner.ts'
import { parseBlock } from '../src/bitcoin/primitives/block.ts'

const MEASURE_MS = 1000

function rate(work: () => boolean): number {
  const start = performance.now()
  let count = 0
  while (performance.now() - start < MEASURE_MS) {
    for (let i = 0; i < 100; i++) if (!work()) throw new Error('a good signature was refused')
    count += 100
  }
  return (count * 1000) / (performance.now() - start)
}

/** Signatures a second of one core, by kind. */
export function verifyRates(crypto: Crypto): { ecdsa: number; schnorr: number } {
  const secret = hex('11'.repeat(32))
  const digest = hex('22'.repeat(32))
  const key = secp256k1.getPublicKey(secret)
  const signature = secp256k1.sign(digest, secret, { prehash: false })
  const xOnly = schnorr.getPublicKey(secret)
  const schnorrSignature = schnorr.sign(digest, secret)
  return {
    ecdsa: rate(() => crypto.verifyEcdsa(signature, key, digest)),
    schnorr: rate(() => crypto.verifySchnorr(schnorrSignature, xOnly, digest)),
  }
}

/** Seconds to read files of blocks and hash every transaction in them once, and the bytes read. */
export function readAndHash(
  files: readonly string[],
  magic: Uint8Array,
  crypto: Crypto,
): { seconds: number; bytes: number } {
  const start = performance.now()
  let bytes = 0
  for (const file of files) {
    const content = new Uint8Array(readFileSync(file))
    bytes += content.length
    const source = {
      size: () => content.length,
      readAt(into: Uint8Array, position: number) {
        const part = content.subarray(position, position + into.length)
        into.set(part)
        return part.length
      },
      writeAt() {},
      truncate() {},
      sync() {},
      close() {},
    }
    const scanner = new BlockScanner(source, magic, new Uint8Array(8))
    for (let found = scanner.next(0); found !== undefined; found = scanner.next(found.position + found.bytes.length)) {
      const parsed = parseBlock(found.bytes)
      if (!parsed.ok) throw new Error(parsed.code)
      parsed.value.txs.txids(crypto)
    }
  }
  return { seconds: (performance.now() - start) / 1000, bytes }
}
