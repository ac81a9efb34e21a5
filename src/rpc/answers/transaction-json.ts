import { toHex, toHexReversed } from '../../base/bytes/bytes.ts'
import type { AddressPrefixes } from '../../bitcoin/primitives/address.ts'
import { heightOfCode, isCoinbaseCode } from '../../bitcoin/primitives/coin.ts'
import type { TxTable } from '../../bitcoin/primitives/tx-table.ts'
import { scriptToAsm } from '../../bitcoin/script/script-asm.ts'
import type { BlockPrevouts } from '../../node/ledger/ledger-api.ts'
import { type Json, jsonAmount } from '../json/json-value.ts'
import { scriptJson } from './script-json.ts'

/** What a transaction's answer shows beyond the transaction itself. */
export interface TransactionJsonOptions {
  readonly prefixes: AddressPrefixes
  /** In internal byte order. */
  readonly txid: Uint8Array
  readonly wtxid: Uint8Array
  /** Whether the serialised transaction comes along. */
  readonly hex: boolean
  /** The coins that its inputs spend, numbered as in its table; gives the fee. */
  readonly prevouts?: BlockPrevouts
  /** Whether each input shows the coin it spends. */
  readonly showPrevouts?: boolean
}

/** A transaction of a table as `getrawtransaction` and `getblock` show it. */
export function transactionJson(
  table: TxTable,
  tx: number,
  options: TransactionJsonOptions,
): { [key: string]: Json | undefined } {
  const weight = table.weight(tx)
  const prevouts = table.isCoinbase(tx) ? undefined : options.prevouts
  const vin: Json[] = []
  for (let i = table.inputFirst[tx]; i < table.inputFirst[tx + 1]; i++)
    vin.push(inputJson(table, tx, i, prevouts, options))
  const vout: Json[] = []
  for (let o = table.outputFirst[tx]; o < table.outputFirst[tx + 1]; o++) {
    vout.push({
      value: jsonAmount(table.outputValue(o)),
      n: o - table.outputFirst[tx],
      scriptPubKey: scriptJson(table.outputScript(o), options.prefixes),
    })
  }
  return {
    txid: toHexReversed(options.txid),
    hash: toHexReversed(options.wtxid),
    version: table.version(tx),
    size: table.totalSize(tx),
    vsize: Math.ceil(weight / 4),
    weight,
    locktime: table.lockTime(tx),
    vin,
    vout,
    fee: prevouts === undefined ? undefined : jsonAmount(feeSats(table, tx, prevouts)),
    hex: options.hex ? toHex(table.txBytes(tx)) : undefined,
  }
}

function prevoutScript({ scripts, scriptOffset, scriptLength }: BlockPrevouts, input: number): Uint8Array {
  return scripts.subarray(scriptOffset[input], scriptOffset[input] + scriptLength[input])
}

function feeSats(table: TxTable, tx: number, prevouts: BlockPrevouts): number {
  let fee = 0
  for (let i = table.inputFirst[tx]; i < table.inputFirst[tx + 1]; i++) fee += prevouts.values[i]
  for (let o = table.outputFirst[tx]; o < table.outputFirst[tx + 1]; o++) fee -= table.outputValue(o)
  return fee
}

function inputJson(
  table: TxTable,
  tx: number,
  input: number,
  prevouts: BlockPrevouts | undefined,
  options: TransactionJsonOptions,
): Json {
  const scriptSig = table.scriptSig(input)
  const witness = table.witnessItemCount[input] === 0 ? undefined : table.witness(input).map(toHex)
  const sequence = table.sequence(input)
  if (table.isCoinbase(tx)) return { coinbase: toHex(scriptSig), txinwitness: witness, sequence }
  return {
    txid: toHexReversed(table.prevoutTxid(input)),
    vout: table.prevoutIndex(input),
    scriptSig: { asm: scriptToAsm(scriptSig, true), hex: toHex(scriptSig) },
    txinwitness: witness,
    prevout:
      prevouts === undefined || !options.showPrevouts
        ? undefined
        : {
            generated: isCoinbaseCode(prevouts.codes[input]),
            height: heightOfCode(prevouts.codes[input]),
            value: jsonAmount(prevouts.values[input]),
            scriptPubKey: scriptJson(prevoutScript(prevouts, input), options.prefixes),
          },
    sequence,
  }
}
