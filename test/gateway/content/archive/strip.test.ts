import t from 'tap'
import { partsOf, type Strip, startsOf } from '../../../../gateway/content/archive/strip.ts'

/** A strip of items of these sizes; `made` tells which were asked for. */
function stripOf(sizes: readonly number[], letter: string, made: string[] = []): Strip {
  return {
    starts: startsOf(sizes.length, (item) => sizes[item] ?? 0),
    parts(item) {
      made.push(`${letter}${item}`)
      const text = `${letter}${item}`.repeat(10).slice(0, sizes[item])
      return [{ kind: 'bytes', bytes: Buffer.from(text) }]
    }
  }
}

function textOf(strips: readonly Strip[], start: number, end: number): string {
  const parts = [...partsOf(strips, { start, end })]
  return parts.map((part) => (part.kind === 'bytes' ? Buffer.from(part.bytes) : '?')).join('')
}

t.test('a span touches only the items that lie in it', async (t) => {
  const made: string[] = []
  const strips = [stripOf([3, 0, 4, 5], 'a', made), stripOf([], 'b', made), stripOf([2], 'c', made)]
  t.equal(textOf(strips, 0, 99), 'a0aa2a2a3a3ac0')
  made.length = 0
  t.equal(textOf(strips, 4, 6), '2a')
  t.same(made, ['a2'])
  made.length = 0
  t.equal(textOf(strips, 11, 13), 'ac')
  t.same(made, ['a3', 'c0'])
})

t.test('an empty span and one beyond the end have no parts', async (t) => {
  const strips = [stripOf([3, 4], 'a')]
  t.same([...partsOf(strips, { start: 3, end: 3 })], [])
  t.same([...partsOf(strips, { start: 7, end: 20 })], [])
  t.same([...partsOf([], { start: 0, end: 20 })], [])
})

t.test('a part is made when the one before it was taken', async (t) => {
  const made: string[] = []
  const parts = partsOf([stripOf([3, 4], 'a', made)], { start: 0, end: 7 })[Symbol.iterator]()
  parts.next()
  t.same(made, ['a0'])
  parts.next()
  t.same(made, ['a0', 'a1'])
})
