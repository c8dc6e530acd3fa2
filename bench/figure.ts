/** A measured figure: its samples, and how they are printed. */

export interface Figure {
  readonly name: string
  /** What was measured: our own roles, or a peer beside them. */
  readonly subject: string
  readonly unit: 'MB/s' | 'ms' | 's'
  readonly samples: readonly number[]
}

/** The middle sample; of an even number, the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** One table per figure name: a row per subject, with the ratio to the first of them. */
export function figureTables(figures: readonly Figure[]): string {
  return [...Map.groupBy(figures, ({ name }) => name)].map(([, rows]) => table(rows)).join('\n')
}

function table(rows: readonly Figure[]): string {
  const [first] = rows
  if (first === undefined) return ''
  const base = median(first.samples)
  const lines = rows.map((row) => {
    const middle = median(row.samples)
    const spread = `${show(Math.min(...row.samples))} – ${show(Math.max(...row.samples))}`
    const ratio = (middle / base).toFixed(2)
    return `| ${row.subject} | ${show(middle)} | ${spread} | ${row.samples.length} | ${ratio} |`
  })
  const head = `| | median, ${first.unit} | min – max | runs | ratio to the first |`
  return `### ${first.name}\n\n${head}\n|---|---|---|---|---|\n${lines.join('\n')}\n`
}

function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
