import fc from 'fast-check'
import t from 'tap'
import { MAX_RANGES, type RangeOutcome, resolveRange } from '../../core/byte-range.ts'
import { holds } from './property.ts'

const whole: RangeOutcome = { kind: 'whole' }
const refused: RangeOutcome = { kind: 'unsatisfiable' }
const part = (...spans: [number, number][]): RangeOutcome => ({
  kind: 'partial',
  spans: spans.map(([start, end]) => ({ start, end }))
})
const HUGE = '9'.repeat(400)

type Row = readonly [header: string | undefined, size: number, outcome: RangeOutcome]

function table(name: string, rows: readonly Row[]): void {
  t.test(name, async (t) => {
    for (const [header, size, outcome] of rows) {
      t.same(
        resolveRange(header, size),
        outcome,
        `${JSON.stringify(header)?.slice(0, 60)} of ${size}`
      )
    }
  })
}

table('a single range is clamped to the file (RFC 9110 §14.1.2)', [
  ['bytes=0-0', 10, part([0, 1])],
  ['bytes=0-1', 10, part([0, 2])],
  ['bytes=0-9', 10, part([0, 10])],
  ['bytes=0-10', 10, part([0, 10])],
  ['bytes=9-9', 10, part([9, 10])],
  ['bytes=3-', 10, part([3, 10])],
  ['bytes=0-', 10, part([0, 10])],
  ['bytes=-1', 10, part([9, 10])],
  ['bytes=-10', 10, part([0, 10])],
  ['bytes=-11', 10, part([0, 10])],
  ['bytes=00-01', 10, part([0, 2])],
  ['bytes=0-0', 1, part([0, 1])]
])

table('a range out of reach is unsatisfiable', [
  ['bytes=10-', 10, refused],
  ['bytes=10-10', 10, refused],
  ['bytes=11-20', 10, refused],
  ['bytes=-0', 10, refused],
  ['bytes=-000', 10, refused],
  ['bytes=10-,20-,-0', 10, refused]
])

table('an empty file has no first byte; its suffix cannot be expressed and is ignored', [
  ['bytes=0-', 0, refused],
  ['bytes=0-0', 0, refused],
  ['bytes=-0', 0, refused],
  ['bytes=-5', 0, whole],
  ['bytes= -5', 0, whole],
  ['bytes=0-, -5', 0, whole],
  [undefined, 0, whole]
])

table('several ranges keep their order, and those out of reach are left out', [
  ['bytes=0-0,-1', 10, part([0, 1], [9, 10])],
  ['bytes=5-6,0-1', 10, part([5, 7], [0, 2])],
  ['bytes=0-1,10-20,3-', 10, part([0, 2], [3, 10])],
  ['bytes=0-1 ,\t3-4', 10, part([0, 2], [3, 5])],
  ['bytes=,0-1,, ,3-4,', 10, part([0, 2], [3, 5])],
  ['bytes=0-4,3-6', 10, part([0, 5], [3, 7])]
])

table('ranges that together ask for more than the file are answered with the file', [
  ['bytes=0-,0-', 10, whole],
  ['bytes=0-9,5-9', 10, whole],
  ['bytes=0-0,0-0', 1, whole],
  [
    `bytes=${'0-0,'.repeat(MAX_RANGES)}`,
    1000,
    part(...Array<[number, number]>(MAX_RANGES).fill([0, 1]))
  ],
  [`bytes=${'0-0,'.repeat(MAX_RANGES + 1)}`, 1000, whole]
])

table('the unit is matched in any case; a foreign one is ignored', [
  ['BYTES=0-1', 10, part([0, 2])],
  ['Bytes=0-1', 10, part([0, 2])],
  [' bytes=0-1 ', 10, part([0, 2])],
  ['items=0-1', 10, whole],
  ['byte=0-1', 10, whole],
  ['xbytes=0-1', 10, whole]
])

table('a malformed header is ignored', [
  [undefined, 10, whole],
  ['', 10, whole],
  ['bytes', 10, whole],
  ['bytes=', 10, whole],
  ['bytes=,', 10, whole],
  ['bytes=-', 10, whole],
  ['bytes=1', 10, whole],
  ['bytes=2-1', 10, whole],
  ['bytes=20-19', 10, whole],
  ['bytes=0-1,2-1', 10, whole],
  ['bytes=0-1,x', 10, whole],
  ['bytes=0-1;2-3', 10, whole],
  ['bytes=a-b', 10, whole],
  ['bytes=--1', 10, whole],
  ['bytes=0--1', 10, whole],
  ['bytes=+0-1', 10, whole],
  ['bytes=0x0-0x1', 10, whole],
  ['bytes=0.0-1', 10, whole],
  ['bytes=1e0-2', 10, whole],
  ['bytes=0 - 1', 10, whole],
  ['bytes = 0-1', 10, whole],
  ['bytes:0-1', 10, whole],
  ['bytes=0-1\n', 10, whole],
  ['bytes=\u0660-\u0661', 10, whole]
])

table('numbers of any length are numbers', [
  ['bytes=0-9007199254740993', 10, part([0, 10])],
  [`bytes=5-${HUGE}`, 10, part([5, 10])],
  [`bytes=-${HUGE}`, 10, part([0, 10])],
  [`bytes=${HUGE}-`, 10, refused],
  [`bytes=${HUGE}-${HUGE}`, 10, refused],
  [`bytes=${HUGE}1-${HUGE}`, 10, whole],
  ['bytes=9007199254740993-9007199254740992', 10, whole],
  ['bytes=0-9007199254740991', Number.MAX_SAFE_INTEGER, part([0, Number.MAX_SAFE_INTEGER])],
  ['bytes=9007199254740990-', Number.MAX_SAFE_INTEGER, part([2 ** 53 - 2, 2 ** 53 - 1])]
])

t.test('a well-formed range of a file that has it is exactly what was asked', async (t) => {
  holds(
    t,
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat(), (a, b, c) => {
      const [first = 0, last = 0, limit = 0] = [a, b, c].sort((x, y) => x - y)
      const outcome = resolveRange(`bytes=${first}-${last}`, limit)
      if (first >= limit) return outcome.kind === 'unsatisfiable'
      if (outcome.kind !== 'partial' || outcome.spans.length !== 1) return false
      const end = Number(BigInt(Math.min(last, limit - 1)) + 1n)
      return outcome.spans[0]?.start === first && outcome.spans[0].end === end
    }),
    1000
  )
})

t.test(
  'whatever the header, spans are not empty, lie in the file and do not exceed it',
  async (t) => {
    const spec = fc.oneof(
      fc
        .tuple(fc.option(fc.nat(30)), fc.option(fc.nat(30)))
        .map(([a, b]) => `${a ?? ''}-${b ?? ''}`),
      fc.constantFrom('', ' ', '-', '0', 'x', HUGE, `-${HUGE}`, `0-${HUGE}`)
    )
    const header = fc.oneof(
      fc.array(spec, { maxLength: 5 }).map((specs) => `bytes=${specs.join(',')}`),
      fc.string()
    )
    holds(
      t,
      fc.property(header, fc.nat(30), (text, size) => {
        const outcome = resolveRange(text, size)
        if (outcome.kind !== 'partial') return true
        const total = outcome.spans.reduce((sum, { start, end }) => sum + end - start, 0)
        const inside = outcome.spans.every((s) => s.start >= 0 && s.start < s.end && s.end <= size)
        return outcome.spans.length > 0 && inside && total <= size
      }),
      3000
    )
  }
)
