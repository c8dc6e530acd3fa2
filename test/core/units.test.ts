import fc from 'fast-check'
import t from 'tap'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../core/units.ts'
import { holds } from './property.ts'

t.test('sizes are read with binary and decimal units in any case', async (t) => {
  const table: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['1000', 1000],
    ['1000B', 1000],
    ['512KiB', 524_288],
    ['512kib', 524_288],
    ['5MB', 5_000_000],
    ['5mb', 5_000_000],
    ['1kB', 1000],
    ['20GiB', 20 * 2 ** 30],
    ['1TiB', 2 ** 40],
    ['2PB', 2e15],
    ['7PiB', 7 * 2 ** 50],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['0.5KiB', 512],
    [' 20 GiB ', 20 * 2 ** 30],
    ['9007199254740991', Number.MAX_SAFE_INTEGER]
  ]
  for (const [text, bytes] of table) t.equal(parseSize(text), bytes, text)
})

t.test('durations are read with their unit', async (t) => {
  const table: readonly (readonly [string, number])[] = [
    ['0s', 0],
    ['150ms', 150],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['2d', 172_800_000],
    [' 2 d ', 172_800_000]
  ]
  for (const [text, ms] of table) t.equal(parseDuration(text), ms, text)
})

t.test('what is no size or duration is undefined, never a guess', async (t) => {
  const sizes = ['', ' ', '-1', '+1', '1e3', '0x10', '1,5MB', '.5MB', '1.', '5G', '5K', '5 bytes']
  sizes.push('GiB', '1.5', '1.0001KiB', '9007199254740992', '8192TiB', '99999PB', 'NaN', 'Infinity')
  sizes.push('1  GiB', '1GiB2', '5constructor', '5__proto__')
  for (const text of sizes) t.equal(parseSize(text), undefined, JSON.stringify(text))
  const durations = ['', '30', '0', '-1s', '1e3s', '1h30m', '5M', '5 min', '1.5ms', 's', '1w', '٣s']
  durations.push('9007199254740992ms', '9999999999d')
  for (const text of durations) t.equal(parseDuration(text), undefined, JSON.stringify(text))
})

t.test('sizes are written in the largest binary unit', async (t) => {
  const table: readonly (readonly [number, string])[] = [
    [0, '0B'],
    [1000, '1000B'],
    [1023, '1023B'],
    [1024, '1KiB'],
    [1536, '1.5KiB'],
    [2 ** 20 - 1, '1MiB'],
    [20 * 2 ** 30, '20GiB'],
    [2 ** 40, '1TiB'],
    [Number.MAX_SAFE_INTEGER, '8PiB']
  ]
  for (const [bytes, text] of table) t.equal(formatSize(bytes), text)
})

t.test('durations are written in the largest unit that divides them', async (t) => {
  const table: readonly (readonly [number, string])[] = [
    [0, '0ms'],
    [150, '150ms'],
    [1500, '1500ms'],
    [30_000, '30s'],
    [90_000, '90s'],
    [120_000, '2m'],
    [86_400_000, '1d'],
    [0.4, '0ms'],
    [999.6, '1s']
  ]
  for (const [ms, text] of table) t.equal(formatDuration(ms), text)
})

t.test('a written duration reads back exactly, a written size within its decimal', async (t) => {
  holds(
    t,
    fc.property(fc.maxSafeNat(), (ms) => parseDuration(formatDuration(ms)) === ms)
  )
  holds(
    t,
    fc.property(fc.nat(1023), fc.constantFrom(0, 10, 20, 30, 40), (amount, shift) => {
      const bytes = amount * 2 ** shift
      return parseSize(formatSize(bytes)) === bytes
    })
  )
})
