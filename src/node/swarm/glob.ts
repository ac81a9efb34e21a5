/**
 * Whether a path fits a pattern: `*` and `?` within a name, `**` across folders, everything else itself. A pattern without
 * a slash is held against the name alone, so that `*.mkv` finds films in all folders.
 */
export function fitsGlob(path: string, pattern: string): boolean {
  const subject = pattern.includes('/') ? path : path.slice(path.lastIndexOf('/') + 1)
  let source = ''
  for (let i = 0; i < pattern.length; i++) {
    if (pattern.startsWith('**', i)) {
      source += '.*'
      i++
    } else if (pattern[i] === '*') source += '[^/]*'
    else if (pattern[i] === '?') source += '[^/]'
    else source += pattern[i].replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  }
  return new RegExp(`^${source}$`, 's').test(subject)
}

/** Whether a path fits one of several patterns. */
export function fitsAny(path: string, patterns: readonly string[]): boolean {
  return patterns.some(pattern => fitsGlob(path, pattern))
}
