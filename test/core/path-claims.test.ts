import fc from 'fast-check'
import t from 'tap'
import { MAX_FOLDERS, PathClaims } from '../../core/path-claims.ts'
import { holds } from './property.ts'

function refusal(...paths: string[]): string | undefined {
  const claims = new PathClaims()
  for (const path of paths) {
    const refused = claims.add(path)
    if (refused !== undefined) return refused
  }
  return claims.clash()
}

t.test('distinct paths are fine, folders may be shared', async (t) => {
  t.equal(refusal('a', 'b/c', 'b/d', 'b/e/f', 'bc', 'A'), undefined)
  t.equal(refusal(), undefined)
})

t.test('the same path twice is refused', async (t) => {
  t.match(refusal('a/b', 'c', 'a/b'), /duplicate path: a\/b/)
})

t.test('a file that is also a folder is refused, in any order and at any depth', async (t) => {
  t.equal(refusal('a', 'a/b'), 'a')
  t.equal(refusal('a/b', 'a'), 'a')
  t.equal(refusal('x/a/b/c', 'x/a/d', 'x/a'), 'x/a')
  t.equal(refusal('x/a', 'x/b/c', 'x/a/b/c/d'), 'x/a')
})

t.test('folders are bounded in number', async (t) => {
  const claims = new PathClaims()
  const tail = 'a/'.repeat(127).concat('file')
  for (let i = 0; i < MAX_FOLDERS / 128; i++) {
    if (claims.add(`${i}/${tail}`) !== undefined) t.fail(`refused ${i * 128} folders`)
  }
  t.equal(claims.add('0/another'), undefined, 'a known folder is no new one')
  t.match(claims.add('one/more'), /more than 1048576 folders/)
})

t.test('it agrees with comparing every pair', async (t) => {
  const path = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 })
  holds(
    t,
    fc.property(fc.array(path, { maxLength: 6 }), (paths) => {
      const names = paths.map((segments) => segments.join('/'))
      const wrong = names.some((name, i) =>
        names.some((other, k) => i !== k && (other === name || other.startsWith(`${name}/`)))
      )
      return (refusal(...names) !== undefined) === wrong
    }),
    2000
  )
})
