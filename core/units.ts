/** Sizes and durations as people write them in settings and read them in logs. */

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
  PIB: 2 ** 50
}

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000
}

/**
 * Bytes: `1000`, `512KiB`, `1.5GiB`, `5MB`, `1 TiB`; units in any case. Undefined for anything
 * else, for a fraction of a byte, and past 2^53 - 1.
 */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim())
  const unit = match?.[2] === '' ? 1 : SIZE_UNITS[match?.[2]?.toUpperCase() ?? '']
  return exact(match?.[1], unit)
}

/** Bytes in the largest binary unit, one decimal at most: `20GiB`, `1.5KiB`, `1000B`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let step = 0
  while (step < units.length - 1 && rounded(value) >= 1024) {
    value /= 1024
    step++
  }
  return `${rounded(value)}${units[step]}`
}

/** Milliseconds: `150ms`, `30s`, `1.5m`, `24h`, `2d`. The unit is required; else undefined. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/.exec(text.trim())
  return exact(match?.[1], DURATION_UNITS[match?.[2] ?? ''])
}

/** Milliseconds in the largest unit that divides them: `90s`, `2h`; reads back exactly. */
export function formatDuration(ms: number): string {
  const whole = Math.round(ms)
  const units = Object.entries(DURATION_UNITS).reverse()
  const [unit, factor] = units.find(([, each]) => whole !== 0 && whole % each === 0) ?? ['ms', 1]
  return `${whole / factor}${unit}`
}

function exact(amount: string | undefined, unit: number | undefined): number | undefined {
  if (amount === undefined || unit === undefined) return undefined
  const value = Number(amount) * unit
  return Number.isSafeInteger(value) ? value : undefined
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
