import { readFileSync } from 'node:fs'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import type { Crypto } from '../src/base/crypto/backend.ts'
import { sha256 } from '../src/base/crypto/hash.ts'
import { BlockScanner } from '../src/bitcoin/chainstate/block-scanner.ts'
import { parseBlock } from '../src/bitcoin/primitives/block.ts'

const MEASURE_MS = 1000
/**
 * Different signatures under different keys, as a chain has them: one signature checked again and again finds its part of the library's
 * tables in the nearest cache, and runs a third faster than any chain ever will.
 */
const SIGNATURES = 1000

interface Signed {
  readonly digest: Uint8Array
  readonly ecdsa: { readonly key: Uint8Array; readonly signature: Uint8Array }
  readonly schnorr: { readonly key: Uint8Array; readonly signature: Uint8Array }
}

let prepared: readonly Signed[] | undefined

function signatures(): readonly Signed[] {
  prepared ??= Array.from({ length: SIGNATURES }, (_, i) => {
    const secret = sha256(Uint8Array.of(1, i, i >> 8))
    const digest = sha256(Uint8Array.of(2, i, i >> 8))
    return {
      digest,
      ecdsa: {
        key: secp256k1.getPublicKey(secret),
        signature: secp256k1.sign(digest, secret, { prehash: false }),
      },
      schnorr: { key: schnorr.getPublicKey(secret), signature: schnorr.sign(digest, secret) },
    }
  })
  return prepared
}

function rate(check: (signed: Signed) => boolean): number {
  const all = signatures()
  const start = performance.now()
  let count = 0
  while (performance.now() - start < MEASURE_MS) {
    for (let i = 0; i < 100; i++) {
      if (!check(all[count++ % SIGNATURES])) throw new Error('a good signature was refused')
    }
  }
  return (count * 1000) / (performance.now() - start)
}

/** Signatures a second of one core, by kind. */
export function verifyRates(crypto: Crypto): { ecdsa: number; schnorr: number } {
  return {
    ecdsa: rate(({ digest, ecdsa }) => crypto.verifyEcdsa(ecdsa.signature, ecdsa.key, digest)),
    schnorr: rate(signed => crypto.verifySchnorr(signed.schnorr.signature, signed.schnorr.key, signed.digest)),
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
