import { parentPort, workerData } from 'node:worker_threads'
import { TransactionSignatureChecker } from '../../bitcoin/script/transaction-signature-checker.ts'
import { loadCrypto, setThreadNice } from '../../platform/crypto.ts'
import { jobOfMessage, type ScriptJobMessage } from './script-job-message.ts'
import { takeTurn } from './script-turns.ts'

/** Entry of a thread that helps to check scripts: it takes turns at each job until none are left. */
const { portable, nice } = workerData as { portable: boolean; nice: number }
setThreadNice(nice)
const crypto = await loadCrypto({ portable })
const checker = new TransactionSignatureChecker(crypto)

parentPort!.on('message', (message: ScriptJobMessage) => {
  const job = jobOfMessage(message)
  checker.load(job.txs, job.prevouts)
  while (takeTurn(checker, job, message.state)) {
    // All of the work is in the condition.
  }
})
