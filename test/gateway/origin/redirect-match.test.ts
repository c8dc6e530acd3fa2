import fc from 'fast-check'
import t from 'tap'
import { matchRedirect } from '../../../gateway/origin/redirect-match.ts'
import { parseRedirects } from '../../../gateway/origin/redirects-file.ts'
import { holds } from '../../core/property.ts'

function rulesOf(text: string) {
  const parsed = parseRedirects(Buffer.from(text))
  if (parsed.kind === 'invalid') throw new Error(`line ${parsed.line}: ${parsed.detail}`)
  return parsed.rules
}

/** `status location`, or undefined. */
function lead(text: string, path: string, query?: string): string | undefined {
  const segments = path.split('/').filter((segment) => segment !== '')
  const match = matchRedirect(rulesOf(text), segments, query)
  return match && `${match.rule.status} ${match.location}`
}

const SITE = `
/redirect-one /one.html
/302-two /two.html 302
/200-index /index.html 200
/posts/:year/:month/:day/:title /articles/:year/:month/:day/:title 301
/splat/* /redirected-splat/:splat 301
/not-found/* /404.html 404
/gone/* /410.html 410
/unavail/* /451.html 451
/* /index.html 200
`

t.test('the first rule that fits is the one', async (t) => {
  const rows: readonly (readonly [string, string])[] = [
    ['/redirect-one', '301 /one.html'],
    ['/redirect-one/', '301 /one.html'],
    ['/302-two', '302 /two.html'],
    ['/200-index', '200 /index.html'],
    ['/posts/2022/01/02/hello-world', '301 /articles/2022/01/02/hello-world'],
    ['/posts/2022/01/02', '200 /index.html'],
    ['/posts/2022/01/02/hello/world', '200 /index.html'],
    ['/splat/one.html', '301 /redirected-splat/one.html'],
    ['/splat/a/b/c', '301 /redirected-splat/a/b/c'],
    ['/splat', '301 /redirected-splat/'],
    ['/splatter', '200 /index.html'],
    ['/not-found/x', '404 /404.html'],
    ['/gone/x/y', '410 /410.html'],
    ['/unavail/x', '451 /451.html'],
    ['/Redirect-one', '200 /index.html'],
    ['/whatever', '200 /index.html']
  ]
  for (const [path, expected] of rows) t.equal(lead(SITE, path), expected, path)
  t.equal(lead('/a /b', '/c'), undefined)
  t.equal(lead('', '/c'), undefined)
  t.equal(lead('/a /b\n/a /c', '/a'), '301 /b')
})

t.test('what a request puts into a placeholder stays what it was', async (t) => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['/:x /to/:x', 'a b', '301 /to/a%20b'],
    ['/:x /to/:x', 'é', '301 /to/%C3%A9'],
    ['/:x /to/:x', 'a\u{10feff}', '301 /to/a%FF'],
    ['/:x /to?q=:x', 'a&b=c#d', '301 /to?q=a%26b%3Dc%23d'],
    ['/:x /:x', '\\evil.example', '301 /%5Cevil.example'],
    ['/:x /to/:x', ':x', '301 /to/%3Ax'],
    ['/:x /to/:x', '$&', '301 /to/%24%26'],
    ['/:x /a\r\n', 'x', '301 /a'],
    ['/:x /:y/:xy/:x', 'v', '301 /:y/:xy/v'],
    ['/:a/:b /:b/:a/:b', '1/2', '301 /2/1/2'],
    ['/:constructor /:toString', 'x', '301 /:toString'],
    ['/* /:splat/:splat', 'a/b', '301 /a/b/a/b'],
    [
      '/go/* https://example.org/:splat',
      'go/@evil.example/x',
      '301 https://example.org/%40evil.example/x'
    ],
    ['/go/* https://example.org', 'go/.evil.example', '301 https://example.org']
  ]
  for (const [rule, path, expected] of rows) t.equal(lead(rule, path), expected, rule)
})

t.test('a path of this site never becomes the name of a host', async (t) => {
  t.equal(lead('/go/* /:splat/evil.example', '/go'), '301 /evil.example')
  t.equal(lead('/go/* /:splat/:splat/x', '/go'), '301 /x')
  t.equal(
    matchRedirect(rulesOf('/go/* /:splat'), ['go', '', 'evil.example'])?.location,
    '/evil.example'
  )
})

t.test('the query follows, after the target’s own and before its fragment', async (t) => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['/a /b', 'x=1', '301 /b?x=1'],
    ['/a /b', '', '301 /b'],
    ['/a /b?s=1', 'x=1&y=%20', '301 /b?s=1&x=1&y=%20'],
    ['/a /b#f', 'x=1', '301 /b?x=1#f'],
    ['/a /b?s=1#f?g', 'x=1', '301 /b?s=1&x=1#f?g'],
    ['/a https://example.org', 'x=1', '301 https://example.org?x=1'],
    ['/a /b 200', 'x=1', '200 /b']
  ]
  for (const [rule, query, expected] of rows) t.equal(lead(rule, '/a', query), expected, rule)
})

t.test('a location that nobody would take is none', async (t) => {
  const long = 'x'.repeat(2000)
  t.ok(lead('/* /:splat:splat', long))
  t.equal(lead(`/* /${':splat'.repeat(32)}`, long), undefined)
  t.equal(lead('/* /b', '/a', 'x'.repeat(17_000)), undefined)
  t.equal(lead('/* /b 200', '/a', 'x'.repeat(17_000)), '200 /b', 'a query that is not used')
})

t.test('wherever a request leads, it is this site or the origin that the rule names', async (t) => {
  const rules = rulesOf(
    '/o/* https://example.org/:splat\n/p/:a/:b /:b/:a\n/* /:splat/:splat?q=:splat'
  )
  const segment = fc
    .oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom('o', 'p', '\\', '@', '//', ':', '%', '?', '#')
    )
    .filter((text) => text.isWellFormed())
  holds(
    t,
    fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
      const location = matchRedirect(rules, segments)?.location ?? ''
      const { origin } = new URL(location, 'https://site.example')
      const named = segments[0] === 'o' ? 'https://example.org' : 'https://site.example'
      return origin === named && /^[\x21-\x7e]+$/.test(location)
    }),
    3000
  )
})
