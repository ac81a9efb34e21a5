#!/usr/bin/env node
// What Node warns of is not for whoever runs a program.
process.env['NODE_NO_WARNINGS'] = '1'
process.removeAllListeners('warning')

// Whoever read what we say has gone, as `head` does: then there is nothing to say any more.
for (const output of [process.stdout, process.stderr]) {
  output.on('error', error => {
    process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? process.exitCode : 1)
  })
}

const [first, ...rest] = process.argv.slice(2)
if (first === 'cli') {
  // Its flags are bitcoin-cli's, and it is to be quick.
  const { runCli } = await import('./commands/cli.ts')
  process.exitCode = await runCli(rest)
} else {
  const { runPeers } = await import('./run-peers.ts')
  process.exitCode = await runPeers(process.argv)
}
// Nothing is left to do once what was written has left this process.
process.stdout.write('', () => process.exit())
