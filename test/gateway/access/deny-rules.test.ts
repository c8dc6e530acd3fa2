import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import { createDenyRules } from '../../../gateway/access/deny-rules.ts'

const A = parseInfoHash('aa'.repeat(20)) as InfoHash
const B = parseInfoHash('bb'.repeat(20)) as InfoHash
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function rulesOf(...lines: string[]) {
  const rules = createDenyRules()
  for (const line of lines) {
    const refusal = rules.add(line)
    if (refusal !== undefined) throw new Error(`${line}: ${refusal}`)
  }
  return rules
}

t.test('an infohash denies the torrent and everything in it, no other', async (t) => {
  const rules = rulesOf(A)
  t.equal(rules.verdict(A), 410)
  t.equal(rules.verdict(A, ['name', 'file']), 410)
  t.equal(rules.verdict(B), undefined)
  t.equal(rulesOf(A.toUpperCase()).verdict(A), 410, 'in either case')
})

t.test('a path denies what is at it and below it, never a sibling that shares text', async (t) => {
  const rules = rulesOf(`${A}/name/folder/`)
  t.equal(rules.verdict(A), undefined)
  t.equal(rules.verdict(A, ['name']), undefined)
  t.equal(rules.verdict(A, ['name', 'folder']), 410)
  t.equal(rules.verdict(A, ['name', 'folder', 'file']), 410)
  t.equal(rules.verdict(A, ['name', 'folder2']), undefined)
  t.equal(rules.verdict(B, ['name', 'folder']), undefined)
})

t.test('a path is the same however it is percent-encoded', async (t) => {
  t.equal(rulesOf(`${A}/n%61me/a%20b`).verdict(A, ['name', 'a b']), 410)
  t.equal(rulesOf(`${A}/name/%c3%a9`).verdict(A, ['name', 'é']), 410)
  t.equal(rulesOf(`${A}/name/a%23b`).verdict(A, ['name', 'a#b']), 410)
})

t.test('a digest denies what it is the digest of', async (t) => {
  t.equal(rulesOf(`sha256:${sha256(A)}`).verdict(A, ['x']), 410)
  t.equal(rulesOf(`SHA256:${sha256(A).toUpperCase()} 451`).verdict(A), 451)
  const rules = rulesOf(`sha256:${sha256(`${A}/name/a%20b`)}`)
  t.equal(rules.verdict(A, ['name', 'a b', 'below']), 410)
  t.equal(rules.verdict(A, ['name']), undefined)
  t.equal(rules.verdict(A), undefined)
})

t.test('451 may follow, and wins over 410 for the same thing', async (t) => {
  t.equal(rulesOf(`${A} 451`).verdict(A), 451)
  t.equal(rulesOf(`${A}\t410  # why`).verdict(A), 410)
  t.equal(rulesOf(A, `${A} 451`).verdict(A), 451)
  t.equal(rulesOf(`${A} 451`, A).verdict(A), 451)
  t.equal(rulesOf(`${A} # asked for`).verdict(A), 410)
})

t.test('comments, blank lines and line ends of Windows are no rules', async (t) => {
  t.equal(rulesOf('', '  ', '# x', '\t# y', `${A}\r`).size, 1)
})

t.test('what is no rule is refused and says why', async (t) => {
  const bad: [string, RegExp][] = [
    ['hello', /40 hex/],
    [A.slice(1), /40 hex/],
    [`${A}/name/..`, /dot segment/],
    [`${A}//x`, /empty/],
    [`${A}/%zz`, /percent/],
    [`${A} 404`, /410 or 451/],
    [`${A} 451 451`, /410 or 451/],
    ['sha256:abc', /64 hex/],
    [`${A}/${'x'.repeat(20_000)}`, /longer/]
  ]
  for (const [line, why] of bad) {
    const rules = createDenyRules()
    t.match(rules.add(line), why, line.slice(0, 60))
    t.equal(rules.size, 0)
  }
})

t.test('plain and hashed lines of any path judge alike', async (t) => {
  const segment = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
  const usable = segment.filter((text) => !/^\.\.?$|[/\0]/.test(text) && text.isWellFormed())
  const paths = fc.array(usable, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(paths, paths, (denied, asked) => {
      const path = [A, ...denied.map(encodeURIComponent)].join('/')
      const isBelow = denied.every((text, at) => asked[at] === text)
      t.equal(rulesOf(path).verdict(A, asked), isBelow ? 410 : undefined)
      t.equal(rulesOf(path).verdict(A, [...denied, ...asked]), 410)
    })
  )
})
