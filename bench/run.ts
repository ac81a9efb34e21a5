// The table of docs/BENCHMARKS.md: `npm run bench`, or `npm run bench -- import` for the rows whose name has the word.
import { availableParallelism, cpus } from 'node:os'
import { loadCrypto } from '../src/platform/crypto.ts'
import { importRows } from './import-rows.ts'
import { p2pRows } from './p2p-rows.ts'
import { rpcRows } from './rpc-rows.ts'
import { swarmRows } from './swarm-rows.ts'
import { printTable, type Row } from './table.ts'

const words = process.argv.slice(2)
const crypto = await loadCrypto()
console.log(
  `${cpus()[0].model}, ${availableParallelism()} cores, Node ${process.version}, ${crypto.hashName}, ${crypto.curveName}`,
)

const rows: Row[] = []
for (const [name, measure] of [
  ['import', importRows],
  ['rpc', rpcRows],
  ['p2p', p2pRows],
  ['swarm', swarmRows],
] as const) {
  if (words.length === 0 || words.some(word => name.includes(word))) rows.push(...(await measure(crypto)))
}
printTable(rows)
