import { toHexReversed } from '../../base/bytes/bytes.ts'
import { ByteWriter } from '../../base/bytes/writer.ts'
import { OperationError } from '../../base/errors.ts'
import {
  BLOCK_FAILED_VALID,
  BLOCK_HAVE_DATA,
  BLOCK_HAVE_UNDO,
  BLOCK_VALID_SCRIPTS,
  BLOCK_VALID_TREE,
} from '../../bitcoin/chainstate/block-status.ts'
import { firstStoredHeight } from '../../bitcoin/chainstate/prune.ts'
import { type UtxoHashType, utxoSetTotals } from '../../bitcoin/chainstate/utxo-set-info.ts'
import { blockScriptFlags } from '../../bitcoin/consensus/block-script-flags.ts'
import { type HashedBlock, hashBlock } from '../../bitcoin/consensus/check-block.ts'
import { medianTimePast } from '../../bitcoin/consensus/header-source.ts'
import { assembleBlock, solveBlock } from '../../bitcoin/mining/assemble-block.ts'
import { type BlockTemplate, blockTemplate } from '../../bitcoin/mining/block-template.ts'
import { fillReservedValue } from '../../bitcoin/mining/fill-reserved-value.ts'
import { parseBlock } from '../../bitcoin/primitives/block.ts'
import type { Coin } from '../../bitcoin/primitives/coin.ts'
import { parseTransaction, type TxTable } from '../../bitcoin/primitives/tx-table.ts'
import { scriptFlagNames } from '../../bitcoin/script/flags.ts'
import { IndexService } from './indexes/index-service.ts'
import type { Ledger } from './ledger.ts'
import type {
  BlockEntry,
  BlockPrevouts,
  ChainTip,
  ChainTipStatus,
  DeploymentInfo,
  LedgerCalls,
  LedgerStorage,
  TemplateBase,
  TipSnapshot,
  UtxoSetInfo,
} from './ledger-api.ts'
import { cacheShares } from './ledger-options.ts'

/** Answers what others ask of a ledger, in the ledger's own thread. */
export class LedgerService extends IndexService implements LedgerCalls {
  readonly #ledger: Ledger
  readonly #setMockTime: (seconds: number) => void

  constructor(ledger: Ledger, setMockTime: (seconds: number) => void) {
    super(ledger)
    this.#ledger = ledger
    this.#setMockTime = setMockTime
  }

  #entry(id: number): BlockEntry {
    const { chain } = this.#ledger
    const { index } = chain
    const height = index.height(id)
    const active = chain.isActive(id)
    const next = active ? chain.at(height + 1) : -1
    return {
      hash: index.hash(id).slice(),
      header: index.header(id),
      height,
      chainWork: index.work(id),
      medianTime: medianTimePast(index, id),
      txCount: index.txCount(id),
      chainTxCount: index.chainTxCount(id),
      confirmations: active ? chain.height - height + 1 : -1,
      next: next < 0 ? undefined : index.hash(next).slice(),
      hasData: index.hasStatus(id, BLOCK_HAVE_DATA),
      hasUndo: index.hasStatus(id, BLOCK_HAVE_UNDO),
      failed: index.hasStatus(id, BLOCK_FAILED_VALID),
    }
  }

  /** The tip with what goes with it; undefined before there is one. */
  snapshot(): TipSnapshot | undefined {
    const { chain } = this.#ledger
    if (chain.tip < 0) return undefined
    return {
      ...this.#entry(chain.tip),
      headers: chain.tree.bestHeader < 0 ? -1 : chain.index.height(chain.tree.bestHeader),
      initialBlockDownload: this.#ledger.isDownloading,
      progress: this.#ledger.progress(),
    }
  }

  async entry(hash: Uint8Array): Promise<BlockEntry | undefined> {
    const id = this.#find(hash)
    return id < 0 ? undefined : this.#entry(id)
  }

  #find(hash: Uint8Array): number {
    return this.#ledger.chain.index.find(hash)
  }

  async entryAtHeight(height: number): Promise<BlockEntry | undefined> {
    const id = this.#ledger.chain.at(height)
    return id < 0 ? undefined : this.#entry(id)
  }

  async bestHeader(): Promise<BlockEntry> {
    return this.#entry(this.#ledger.chain.tree.bestHeader)
  }

  async block(hash: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#stored(hash)?.bytes
  }

  #stored(hash: Uint8Array): HashedBlock | undefined {
    const { chain } = this.#ledger
    const id = this.#find(hash)
    return id < 0 || !chain.index.hasStatus(id, BLOCK_HAVE_DATA) ? undefined : chain.readBlock(id)
  }

  async prevouts(hash: Uint8Array): Promise<BlockPrevouts | undefined> {
    const { chain } = this.#ledger
    const block = this.#stored(hash)
    const id = this.#find(hash)
    if (block === undefined || !chain.index.hasStatus(id, BLOCK_HAVE_UNDO)) return undefined
    const spent = chain.readSpent(id, block)
    const { values, scriptOffset, scriptLength, scripts } = spent.prevouts()
    return { values, codes: spent.codes, scriptOffset, scriptLength, scripts }
  }

  async chainTips(): Promise<readonly ChainTip[]> {
    const { chain } = this.#ledger
    const { index } = chain
    const isParent = new Uint8Array(index.count)
    for (let id = 1; id < index.count; id++) if (!chain.isActive(id)) isParent[index.previous(id)] = 1
    const tips = new Set<number>([chain.tip])
    for (let id = 0; id < index.count; id++) if (!chain.isActive(id) && !isParent[id]) tips.add(id)
    const status = (id: number): ChainTipStatus => {
      if (chain.isActive(id)) return 'active'
      if (index.hasStatus(id, BLOCK_FAILED_VALID)) return 'invalid'
      if (index.chainTxCount(id) === 0) return 'headers-only'
      if (index.isValid(id, BLOCK_VALID_SCRIPTS)) return 'valid-fork'
      return index.isValid(id, BLOCK_VALID_TREE) ? 'valid-headers' : 'headers-only'
    }
    return [...tips]
      .map(id => ({
        height: index.height(id),
        hash: index.hash(id).slice(),
        branchLength: index.height(id) - index.height(index.fork(id, chain.tip)),
        status: status(id),
      }))
      .sort((a, b) => b.height - a.height)
  }

  async coin(txid: Uint8Array, index: number): Promise<Coin | undefined> {
    const outpoint = new ByteWriter(36).bytes(txid).u32(index).finish()
    return this.#ledger.exclusive.run(() => {
      this.#ledger.chain.settle()
      return this.#ledger.chain.coins.getCoin(outpoint)
    })
  }

  async utxoSetInfo(hashType: UtxoHashType): Promise<UtxoSetInfo> {
    return this.#ledger.exclusive.run(async () => {
      const { chain, coinsStore } = this.#ledger
      chain.settle()
      await this.#ledger.flush({ sync: false })
      const { tip } = chain
      const totals = await utxoSetTotals(coinsStore.coins(), hashType, this.#ledger.ports.crypto, this.#ledger.breathe)
      return {
        ...totals,
        height: chain.index.height(tip),
        bestBlock: chain.index.hash(tip).slice(),
        diskSizeBytes: await coinsStore.sizeOnDisk(),
      }
    })
  }

  async deployments(hash: Uint8Array): Promise<readonly DeploymentInfo[]> {
    return this.#deployments(this.#find(hash))
  }

  #deployments(id: number): DeploymentInfo[] {
    const { chain, deployments } = this.#ledger
    const previous = chain.index.previous(id)
    return Object.entries(chain.params.deployments).map(([name, deployment]) => {
      const status = deployments.stateAfter(name, previous)
      const counting = status === 'started' || status === 'locked_in'
      return {
        name,
        bit: deployment.bit,
        startTime: deployment.startTime,
        timeout: deployment.timeout,
        minActivationHeight: deployment.minActivationHeight,
        status,
        since: deployments.sinceHeight(name, previous),
        statusNext: deployments.stateAfter(name, id),
        statistics: counting ? deployments.statistics(name, id) : undefined,
      }
    })
  }

  async scriptFlagNames(hash: Uint8Array): Promise<readonly string[]> {
    const { index, params } = this.#ledger.chain
    const id = this.#find(hash)
    return scriptFlagNames(blockScriptFlags(index.height(id), toHexReversed(hash), params)).sort()
  }

  async storage(): Promise<LedgerStorage> {
    const { chain } = this.#ledger
    return {
      blockBytes: chain.files.totalBytes,
      coinsCacheBytes: chain.coins.memoryBytes,
      coinsCacheCount: chain.coins.size,
      cacheShares: cacheShares(this.#ledger.options),
      firstStoredHeight: firstStoredHeight(chain),
      everPruned: this.#ledger.havePruned,
    }
  }

  async pruneTo(height: number): Promise<number> {
    await this.#ledger.prune(height)
    return firstStoredHeight(this.#ledger.chain)
  }

  async verify(level: number, blockCount: number): Promise<string | undefined> {
    const verdict = await this.#ledger.verify(level, blockCount)
    return verdict.ok ? undefined : verdict.detail
  }

  invalidate(hash: Uint8Array): Promise<void> {
    return this.#ledger.command(chain => chain.invalidate(this.#find(hash)))
  }

  reconsider(hash: Uint8Array): Promise<void> {
    return this.#ledger.command(chain => chain.reconsider(this.#find(hash)))
  }

  precious(hash: Uint8Array): Promise<void> {
    return this.#ledger.command(chain => chain.makePrecious(this.#find(hash)))
  }

  #parse(bytes: Uint8Array): HashedBlock {
    const block = this.#ledger.readBytes(bytes)
    if (block === undefined) throw new OperationError('block-decode', 'Block decode failed')
    return block
  }

  async submitBlock(bytes: Uint8Array): Promise<string | undefined> {
    const { chain } = this.#ledger
    let block = this.#parse(bytes)
    const previous = chain.index.find(block.header.previous)
    if (previous >= 0 && chain.index.height(previous) + 1 >= chain.params.buried.segwit) {
      const filled = fillReservedValue(block)
      if (filled !== undefined) block = this.#parse(filled)
    }
    return this.#ledger.submit(block)
  }

  async submitHeader(header: Uint8Array): Promise<string | undefined> {
    const verdict = this.#ledger.submitHeader(header)
    await this.#ledger.saveIndex()
    return verdict.ok ? undefined : verdict.code
  }

  #template(): BlockTemplate {
    const { chain, deployments, ports } = this.#ledger
    const template = blockTemplate(chain.index, chain.tip, chain.params, deployments, ports.nowSeconds())
    const { blockVersion } = this.#ledger.options
    return blockVersion === undefined || !chain.params.isMockable ? template : { ...template, version: blockVersion }
  }

  async template(): Promise<TemplateBase> {
    const { chain } = this.#ledger
    const { version, bits, minTime, time, subsidySats } = this.#template()
    const previous = this.#entry(chain.tip)
    return { previous, version, bits, minTime, time, subsidySats, deployments: this.#deployments(chain.tip) }
  }

  async testBlock(bytes: Uint8Array): Promise<string | undefined> {
    const block = this.#parse(bytes)
    const { chain, exclusive, ports } = this.#ledger
    const known = chain.index.find(block.hash)
    if (known >= 0) {
      if (chain.index.isValid(known, BLOCK_VALID_SCRIPTS)) return 'duplicate'
      return chain.index.hasStatus(known, BLOCK_FAILED_VALID) ? 'duplicate-invalid' : 'duplicate-inconclusive'
    }
    const checks = { proofOfWork: false, merkleRoot: true }
    const verdict = await exclusive.run(() => chain.testBlock(block, checks, ports.nowSeconds()))
    return verdict.ok ? undefined : verdict.code
  }

  async generate(count: number, script: Uint8Array, triesMax: number): Promise<Uint8Array[]> {
    const { crypto } = this.#ledger.ports
    const hashes: Uint8Array[] = []
    let triesLeft = triesMax
    while (hashes.length < count && triesLeft > 0) {
      const template = this.#template()
      const bytes = assembleBlock(template, { script, feesSats: 0, transactions: [] }, crypto)
      const { found, tries } = solveBlock(bytes, template.bits, triesLeft, crypto)
      triesLeft -= tries
      if (!found) break
      const block = this.#parse(bytes)
      const answer = await this.#ledger.takeIn(block)
      if (answer !== undefined) throw new OperationError('block-invalid', answer)
      hashes.push(block.hash)
    }
    await this.#ledger.saveIndex()
    return hashes
  }

  async generateBlock(
    script: Uint8Array,
    transactions: readonly Uint8Array[],
    submit: boolean,
  ): Promise<{ hash: Uint8Array; bytes: Uint8Array }> {
    const { chain, exclusive, ports } = this.#ledger
    const template = this.#template()
    const tables = transactions.map((bytes): TxTable => {
      const parsed = parseTransaction(bytes)
      if (!parsed.ok) throw new OperationError('block-decode', 'Transaction decode failed')
      return parsed.value
    })
    const bytes = assembleBlock(template, { script, feesSats: 0, transactions: tables }, ports.crypto)
    const parsed = parseBlock(bytes)
    if (!parsed.ok) throw new OperationError('block-invalid', parsed.code)
    const checks = { proofOfWork: false, merkleRoot: false }
    const block = hashBlock(parsed.value, ports.crypto)
    const verdict = await exclusive.run(() => chain.testBlock(block, checks, ports.nowSeconds()))
    if (!verdict.ok) {
      throw new OperationError('block-invalid', verdict.code + (verdict.detail ? `, ${verdict.detail}` : ''))
    }
    if (!solveBlock(bytes, template.bits, 0x1_0000_0000, ports.crypto).found) {
      throw new OperationError('block-unsolved', 'Failed to make block.')
    }
    const solved = this.#parse(bytes)
    if (submit) await this.#ledger.submit(solved)
    return { hash: solved.hash, bytes }
  }

  async settled(): Promise<void> {
    await this.#ledger.advance()
    await this.#ledger.indexRunner.allCaughtUp()
  }

  async setMockTime(seconds: number): Promise<void> {
    this.#setMockTime(seconds)
  }
}
