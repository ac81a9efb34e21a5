/** One line of the benchmark's table. */
export interface Row {
  readonly name: string
  readonly value: string
  /** What it is held against, measured in the same run, or the aim. */
  readonly beside: string
  readonly aim: string
}

/** The median of an odd number of measurements. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

/** Smallest and largest, as a reader judges noise by. */
export function spread(values: readonly number[], digits: number): string {
  return `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`
}

export function printTable(rows: readonly Row[]): void {
  console.log('\n| what | measured (median of 5) | beside it | aim |\n|---|---|---|---|')
  for (const { name, value, beside, aim } of rows) console.log(`| ${name} | ${value} | ${beside} | ${aim} |`)
}
