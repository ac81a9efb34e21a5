import { OperationError } from '../../base/errors.ts'
import type { SwarmTorrent } from './swarm-torrent.ts'

export function assertOpen({ isClosed }: SwarmTorrent): void {
  if (isClosed) throw new OperationError('closing', 'the torrent was closed before all was there')
}

/** Throws why nothing more will come of a torrent: its error, or `closing`. */
export function assertGoesOn(torrent: SwarmTorrent): void {
  if (torrent.state === 'error') throw torrent.error!
  assertOpen(torrent)
}

/**
 * A torrent's pieces in the order in which they are verified, those that are there already first; ends when all is there. Throws why
 * the torrent stopped, or `closing`.
 */
export async function* verifiedPieces(torrent: SwarmTorrent): AsyncGenerator<number, void, void> {
  const queue: number[] = []
  const seen = new Set<number>()
  let wake: (() => void) | undefined
  const onPiece = (piece: number) => {
    queue.push(piece)
    wake?.()
  }
  const onChange = () => wake?.()
  torrent.on('piece', onPiece)
  torrent.on('state', onChange)
  try {
    const { picker } = torrent.core
    for (let piece = 0; piece < (picker?.pieceCount ?? 0); piece++) if (picker!.have.has(piece)) queue.push(piece)
    for (;;) {
      for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
        if (!seen.has(piece)) yield piece
        seen.add(piece)
      }
      if (torrent.core.isDone) return
      assertGoesOn(torrent)
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  } finally {
    torrent.off('piece', onPiece)
    torrent.off('state', onChange)
  }
}

/** Resolves once all that is wanted is there and verified. Throws why the torrent stopped, or `closing`. */
export async function allVerified(torrent: SwarmTorrent): Promise<void> {
  while (!(torrent.core.isStarted && torrent.core.isDone)) {
    assertGoesOn(torrent)
    await new Promise<void>(resolve => {
      const wake = () => {
        torrent.off('done', wake)
        torrent.off('state', wake)
        resolve()
      }
      torrent.on('done', wake)
      torrent.on('state', wake)
    })
  }
}
