import assert from 'node:assert/strict'
import { readSharedJson } from './shared-data.ts'

const CASES = 136

/** A block of `fixtures/invalid-blocks`, and what Bitcoin Core says of it. */
export interface InvalidBlock {
  readonly name: string
  readonly file: string
  readonly hash: string
  readonly valid: boolean
  readonly result: string | null
  readonly error?: { readonly code: number; readonly message: string }
}

/** All of them, and the block that they are on top of. */
export function readInvalidBlocks(): { base: { height: number; hash: string }; cases: InvalidBlock[] } {
  const index = readSharedJson<ReturnType<typeof readInvalidBlocks>>('fixtures', 'invalid-blocks', 'index.json')
  assert.equal(index.cases.length, CASES)
  return index
}
