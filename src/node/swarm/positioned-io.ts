import { readv, writev } from 'node:fs'

/** Reads until the views are full or the file ends; returns the bytes read. */
export function readFully(fd: number, views: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    readv(fd, views, position, (error, bytesRead) => {
      if (error !== null) reject(error)
      else if (bytesRead === 0) resolve(0)
      else {
        const rest = after(views, bytesRead)
        if (rest.length === 0) resolve(bytesRead)
        else readFully(fd, rest, position + bytesRead).then(more => resolve(bytesRead + more), reject)
      }
    })
  })
}

/** Writes all of the views, one after the other. */
export function writeFully(fd: number, views: readonly Uint8Array[], position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    writev(fd, views, position, (error, bytesWritten) => {
      if (error !== null) {
        reject(error)
        return
      }
      const rest = after(views, bytesWritten)
      if (rest.length === 0) resolve()
      else writeFully(fd, rest, position + bytesWritten).then(resolve, reject)
    })
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
