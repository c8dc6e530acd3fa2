/** A measured figure: its samples, and how they are printed. */

export interface Figure {
  readonly name: string
  /** What was measured: our own roles, or a peer beside them. */
  readonly subject: string
  readonly unit:
    | 'MB/s'
    | 'MB'
    | 'requests/s'
    | 'clients'
    | 'ms'
    | 's'
    | 'CPU s per GiB'
    | 'round trips'
    | 'times'
    | '%'
  readonly samples: readonly number[]
  /** What we want of it; printed with the first subject's. */
  readonly aim?: string
  /** Why there are no samples. */
  readonly missing?: string
}

/** From so many samples on, the 95th percentile says something that the maximum does not. */
const ENOUGH_FOR_P95 = 20

/** The middle sample; of an even number, the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** The least sample that this share of the samples does not exceed. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** One table per figure name: a row per subject, with the ratio to the first of them. */
export function figureTables(figures: readonly Figure[]): string {
  return [...Map.groupBy(figures, ({ name }) => name)].map(([, rows]) => table(rows)).join('\n')
}

function table(rows: readonly Figure[]): string {
  const [first] = rows
  if (first === undefined) return ''
  const withP95 = rows.some(({ samples }) => samples.length >= ENOUGH_FOR_P95)
  const head = ['', `median, ${first.unit}`, ...(withP95 ? ['p95'] : []), ...REST]
  const lines = rows.map((row) => columns(row, median(first.samples), withP95))
  const aim = first.aim === undefined ? '' : `Aim: ${first.aim}.\n\n`
  const text = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`)
  return `### ${first.name}\n\n${aim}${text.join('\n')}\n`
}

const REST = ['min – max', 'runs', 'ratio to the first'] as const

function columns(row: Figure, base: number, withP95: boolean): string[] {
  const { subject, samples } = row
  if (samples.length === 0) {
    return [subject, row.missing ?? 'not measured', ...(withP95 ? [''] : []), '', '0', '']
  }
  const middle = median(samples)
  return [
    subject,
    show(middle),
    ...(withP95 ? [show(percentile(samples, 0.95))] : []),
    `${show(Math.min(...samples))} – ${show(Math.max(...samples))}`,
    String(samples.length),
    Number.isFinite(middle / base) ? (middle / base).toFixed(2) : ''
  ]
}

function show(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
