/**
 * How much is measured: BENCH_ROUNDS how often each figure is taken, BENCH_BYTES the size of the
 * large files, BENCH_SMOKE=1 small sizes and one round, to see that every bench still runs.
 */
export const SMOKE = process.env.BENCH_SMOKE === '1'
const SMOKE_BYTES = 2 ** 25

export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? (SMOKE ? 1 : 5))

/** Bytes of a large file of which a full run has `usual`. */
export function largeBytes(usual: number): number {
  return Number(process.env.BENCH_BYTES ?? (SMOKE ? Math.min(usual, SMOKE_BYTES) : usual))
}

/** How many samples of something quick: `usual` of them, or three. */
export function sampleCount(usual: number): number {
  return SMOKE ? Math.min(usual, 3) : usual
}

/** A size for the name of a figure. */
export function sizeText(bytes: number): string {
  if (bytes % 2 ** 30 === 0) return `${bytes / 2 ** 30} GiB`
  return bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20} MiB` : `${bytes / 1e6} MB`
}
