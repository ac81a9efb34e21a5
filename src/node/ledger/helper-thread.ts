import { parentPort, workerData } from 'node:worker_threads'
import { accept } from '../../base/verdict.ts'
import { BlockFiles } from '../../bitcoin/chainstate/block-files.ts'
import { prepareBlock } from '../../bitcoin/chainstate/prepare-block.ts'
import { checkMerkleRoot, hashBlock } from '../../bitcoin/consensus/check-block.ts'
import { parseBlock } from '../../bitcoin/primitives/block.ts'
import { TransactionSignatureChecker } from '../../bitcoin/script/transaction-signature-checker.ts'
import { loadCrypto, setThreadNice } from '../../platform/crypto.ts'
import { NodeFiles } from '../../platform/node-files.ts'
import {
  type BlockMessage,
  type HelperData,
  type HelperReply,
  type HelperRequest,
  jobOfMessage,
  messageOfBlock,
} from './helper-messages.ts'
import { takeTurn } from './script-turns.ts'

/** Entry of a thread that helps the ledger: it checks scripts, and reads, parses and hashes blocks ahead of their turn. */
const { params, blocksFolder, xorKey, portable, nice } = workerData as HelperData
const port = parentPort!
setThreadNice(nice)
const crypto = await loadCrypto({ portable })
const checker = new TransactionSignatureChecker(crypto)
const files = new BlockFiles(new NodeFiles(blocksFolder), params.magic, crypto, { xorKey })
const allocate = (byteLength: number): SharedArrayBuffer => new SharedArrayBuffer(byteLength)

/** A stored block, if a whole one that fits its header stands there; what is wrong with others is the ledger's to say. */
function readStored(file: number, position: number): BlockMessage | undefined {
  const bytes = files.readBlock(file, position, allocate)
  const parsed = bytes && parseBlock(bytes, { allocate })
  if (!parsed?.ok) return undefined
  const block = hashBlock(parsed.value, crypto, allocate)
  return checkMerkleRoot(block, crypto).ok ? messageOfBlock(block) : undefined
}

function answer(request: Exclude<HelperRequest, { type: 'scripts' }>): HelperReply {
  const { id } = request
  if (request.type === 'read') {
    return { id, block: readStored(request.file, request.position), findings: undefined }
  }
  const prepared = prepareBlock(request.bytes, params, crypto, allocate)
  if (!prepared.ok) return { id, block: undefined, findings: prepared }
  const { block, findings } = prepared.value
  return { id, block: messageOfBlock(block), findings: accept(findings) }
}

port.on('message', (request: HelperRequest) => {
  if (request.type !== 'scripts') {
    port.postMessage(answer(request))
    return
  }
  const job = jobOfMessage(request)
  checker.load(job.txs, job.prevouts)
  while (takeTurn(checker, job, request.state)) {
    // All of the work is in the condition.
  }
})
