import { OperationError } from '../../base/errors.ts'
import { MAX_FUTURE_BLOCK_TIME_SECONDS } from '../../bitcoin/consensus/limits.ts'
import type { Ledger } from './ledger.ts'

/** Checks a ledger's last blocks before it is used. Throws OperationError `block-from-the-future` or `chainstate-damaged`. */
export async function checkLastBlocks(ledger: Ledger): Promise<void> {
  const { chain, ports } = ledger
  const { checkBlocks, checkLevel } = ledger.options
  if (chain.tip < 0) return
  if (chain.index.time(chain.tip) > ports.nowSeconds() + MAX_FUTURE_BLOCK_TIME_SECONDS) {
    throw new OperationError(
      'block-from-the-future',
      "The block database contains a block which appears to be from the future. This may be due to your computer's date " +
        "and time being set incorrectly. Only rebuild the block database if you are sure that your computer's date and time are correct.",
      { next: 'Please restart with -reindex or -reindex-chainstate to recover.' },
    )
  }
  ports.log.info(`Verifying last ${Math.min(checkBlocks || chain.height, chain.height)} blocks at level ${checkLevel}`)
  const verdict = await ledger.verify(checkLevel, checkBlocks)
  if (!verdict.ok) {
    throw new OperationError('chainstate-damaged', `Corrupted block database detected: ${verdict.detail}`, {
      next: 'start again with -reindex, or with -reindex-chainstate if only the coins are damaged',
    })
  }
}
