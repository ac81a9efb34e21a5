import { sha3_256 } from '@noble/hashes/sha3.js'

/** SHA3-256 (FIPS 202): 32 bytes. Onion addresses carry a part of it. */
export function sha3(data: Uint8Array): Uint8Array {
  return sha3_256(data)
}
