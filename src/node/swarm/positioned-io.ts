import { read, readv, write, writev } from 'node:fs'

/** Reads until the views are full or the file ends; returns the bytes read. */
export function readFully(fd: number, views: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onRead = (error: NodeJS.ErrnoException | null, bytesRead: number) => {
      if (error !== null) reject(error)
      else if (bytesRead === 0) resolve(0)
      else {
        const rest = after(views, bytesRead)
        if (rest.length === 0) resolve(bytesRead)
        else readFully(fd, rest, position + bytesRead).then(more => resolve(bytesRead + more), reject)
      }
    }
    // One view costs less than a list of one.
    if (views.length === 1) read(fd, views[0], 0, views[0].length, position, onRead)
    else readv(fd, views, position, onRead)
  })
}

/** Writes all of the views, one after the other. */
export function writeFully(fd: number, views: readonly Uint8Array[], position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onWritten = (error: NodeJS.ErrnoException | null, bytesWritten: number) => {
      if (error !== null) {
        reject(error)
        return
      }
      const rest = after(views, bytesWritten)
      if (rest.length === 0) resolve()
      else writeFully(fd, rest, position + bytesWritten).then(resolve, reject)
    }
    if (views.length === 1) write(fd, views[0], 0, views[0].length, position, onWritten)
    else writev(fd, views, position, onWritten)
  })
}

/** What is left of the views after so many bytes. */
function after(views: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = []
  let done = bytes
  for (const view of views) {
    if (done >= view.length) done -= view.length
    else {
      rest.push(done > 0 ? view.subarray(done) : view)
      done = 0
    }
  }
  return rest
}
