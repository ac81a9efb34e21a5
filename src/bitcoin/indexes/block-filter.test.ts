import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSharedJson, skipWithout } from '../../../test/shared-data.ts'
import { hex, hexReversed, toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import { sha256d } from '../../base/crypto/hash.ts'
import { parseBlock } from '../primitives/block.ts'
import { Prevouts } from '../primitives/prevouts.ts'
import { basicFilterParams, encodeBasicFilter, filterHash, filterHeader } from './block-filter.ts'
import { decodeGcsFilter, gcsFilterMatches } from './gcs-filter.ts'

type Row = [
  height: number,
  hash: string,
  block: string,
  prevScripts: string[],
  previousHeader: string,
  filter: string,
  header: string,
  notes: string,
]

for (const [...path] of [
  ['vectors', 'core', 'blockfilters.json'],
  ['vectors', 'bips', 'bip-0158', 'testnet-19.json'],
]) {
  test(`BIP158: filters and headers of ${path.at(-1)}`, { skip: skipWithout(...path) }, () => {
    const rows = readSharedJson<unknown[][]>(...path).filter(row => row.length > 1) as Row[]
    assert.equal(rows.length, 10)
    for (const [height, hash, block, prevScripts, previousHeader, filter, header] of rows) {
      const parsed = parseBlock(hex(block))
      assert.ok(parsed.ok, `${height}`)
      const { bytes, txs } = parsed.value
      const blockHash = sha256d(bytes.subarray(0, 80))
      assert.equal(toHexReversed(blockHash), hash)
      assert.equal(prevScripts.length, txs.inputCount - 1)
      const scripts = ['', ...prevScripts].map(hex)
      const encoded = encodeBasicFilter(blockHash, txs, Prevouts.of(scripts.map(script => ({ valueSats: 0, script }))))
      assert.equal(toHex(encoded), filter)
      const ownHeader = filterHeader(filterHash(encoded), hexReversed(previousHeader))
      assert.equal(toHexReversed(ownHeader), header)
      const decoded = decodeGcsFilter(basicFilterParams(blockHash), encoded)
      assert.ok(decoded.ok)
      for (const script of scripts.filter(({ length }) => length > 0)) {
        assert.ok(gcsFilterMatches(decoded.value, [script]))
      }
    }
  })
}
