import fc from 'fast-check'
import t from 'tap'
import { geometryOf } from '../../../core/geometry.ts'
import { edgesOf, isReadingOn, windowAt } from '../../../gateway/content/window.ts'

const MiB = 2 ** 20
const KiB = 2 ** 10
const movie = geometryOf(1024 * MiB, 512 * KiB)

t.test('a window begins with the piece that is read, and is two pieces at first', async (t) => {
  t.same(windowAt(movie, 0, movie.size, 0), { first: 0, end: 2 })
  t.same(windowAt(movie, 512 * KiB - 1, movie.size, 0), { first: 0, end: 2 })
  t.same(windowAt(movie, 512 * KiB, movie.size, 0), { first: 1, end: 3 }, 'never a third piece')
})

t.test('it grows with what the client took, up to 32 MiB', async (t) => {
  t.same(windowAt(movie, 0, movie.size, MiB), { first: 0, end: 2 })
  t.same(windowAt(movie, 0, movie.size, 8 * MiB), { first: 0, end: 16 })
  t.same(windowAt(movie, 0, movie.size, 2 ** 40), { first: 0, end: 64 })
  const wide = geometryOf(2 ** 37, 16 * MiB)
  t.same(windowAt(wide, 5, wide.size, 2 ** 36), { first: 0, end: 2 })
  const whole = geometryOf(2 ** 37, 64 * MiB)
  t.same(windowAt(whole, 5, whole.size, 2 ** 36), { first: 0, end: 2 }, 'two pieces, however large')
})

t.test('it ends where the reach ends', async (t) => {
  t.same(windowAt(movie, 0, 1, 8 * MiB), { first: 0, end: 1 })
  t.same(windowAt(movie, 0, 512 * KiB + 1, 8 * MiB), { first: 0, end: 2 })
  t.same(windowAt(movie, movie.size - 1, movie.size, 8 * MiB), { first: 2047, end: 2048 })
})

t.test('any window holds the byte that is read, and no more than is allowed', async (t) => {
  const seed = Date.now()
  t.comment(`seed ${seed}`)
  const offsets = fc.record({
    size: fc.integer({ min: 1, max: 2 ** 40 }),
    pieceLength: fc.integer({ min: 4, max: 26 }).map((bits) => 2 ** bits),
    from: fc.double({ min: 0, max: 0.999999, noNaN: true }),
    to: fc.double({ min: 0, max: 1, noNaN: true }),
    taken: fc.integer({ min: 0, max: 2 ** 41 })
  })
  const holds = fc.property(offsets, ({ size, pieceLength, from, to, taken }) => {
    const position = Math.floor(from * size)
    const reach = Math.min(size, position + 1 + Math.floor(to * (size - position)))
    const geometry = geometryOf(size, pieceLength)
    const { first, end } = windowAt(geometry, position, reach, taken)
    const bytes = (end - first) * pieceLength
    return (
      first * pieceLength <= position &&
      position < end * pieceLength &&
      (end - 1) * pieceLength < reach &&
      bytes <= Math.max(2 * pieceLength, Math.min(taken, 32 * MiB))
    )
  })
  fc.assert(holds, { seed })
})

t.test('a small gap is reading on, a large one and any step back is a jump', async (t) => {
  t.ok(isReadingOn(movie, 1000, 1000))
  t.ok(isReadingOn(movie, 1000, 1000 + 512 * KiB - 1))
  t.notOk(isReadingOn(movie, 1000, 1000 + 512 * KiB))
  t.notOk(isReadingOn(movie, 1000, 999))
})

t.test('the edges of a media file are at most two pieces and 4 MiB each', async (t) => {
  const file = { start: 700 * KiB, end: 100 * MiB + 1 }
  t.same(edgesOf(movie, file), [
    { first: 1, end: 3 },
    { first: 199, end: 201 }
  ])
  const wide = geometryOf(2 ** 37, 4 * MiB)
  t.same(
    edgesOf(wide, { start: 0, end: 2 ** 37 }),
    [
      { first: 0, end: 1 },
      { first: 2 ** 15 - 1, end: 2 ** 15 }
    ],
    'one where two are too much'
  )
  t.same(edgesOf(geometryOf(2 ** 37, 16 * MiB), { start: 0, end: 2 ** 37 }), [])
})

t.test('the edges of a small file never overlap, and a tiny one has none', async (t) => {
  t.same(edgesOf(movie, { start: 0, end: MiB }), [], 'the first window has it')
  t.same(edgesOf(movie, { start: 0, end: MiB + 1 }), [
    { first: 0, end: 2 },
    { first: 2, end: 3 }
  ])
  t.same(edgesOf(movie, { start: 5 * MiB, end: 5 * MiB }), [])
})
