import fc from 'fast-check'
import t from 'tap'
import {
  MAX_REDIRECTS_BYTES,
  MAX_RULES,
  parseRedirects,
  type RedirectRule
} from '../../../gateway/origin/redirects-file.ts'
import { holds } from '../../core/property.ts'

function outcome(text: string) {
  return parseRedirects(Buffer.from(text))
}

function rules(text: string): readonly RedirectRule[] {
  const parsed = outcome(text)
  if (parsed.kind === 'invalid') throw new Error(`line ${parsed.line}: ${parsed.detail}`)
  return parsed.rules
}

const segment = (name: string) => ({ kind: 'segment', name })
const placeholder = (name: string) => ({ kind: 'placeholder', name })

t.test('a rule is a path, a target and perhaps a status', async (t) => {
  const [rule] = rules('/a/b /c 302')
  t.same(rule, {
    line: 1,
    from: [segment('a'), segment('b')],
    splat: false,
    to: { origin: '', rest: '/c' },
    status: 302
  })
  t.equal(rules('/a /b')[0]?.status, 301, 'a redirect for good unless told otherwise')
  for (const status of [200, 301, 302, 303, 307, 308, 404, 410, 451]) {
    t.equal(rules(`/a /b ${status}`)[0]?.status, status)
  }
})

t.test('comments, empty lines, white space and both line ends are nothing', async (t) => {
  const text =
    '\ufeff# a comment\r\n\r\n  /a\t /b  302 # why\r\n   # another\n\t\n/c   /d#part\n/e /f'
  const found = rules(text)
  t.same(
    found.map(({ line, to, status }) => [line, to.rest, status]),
    [
      [3, '/b', 302],
      [6, '/d#part', 301],
      [7, '/f', 301]
    ]
  )
  for (const empty of ['', '\n', '# nothing', ' \r\n']) t.same(rules(empty), [], 'no rule')
})

t.test('placeholders stand for a segment, a star at the end for the rest', async (t) => {
  const [posts, all, under] = rules('/posts/:year/:slug /a/:slug\n/* /i\n/x/* /y/:splat')
  t.same(posts?.from, [segment('posts'), placeholder('year'), placeholder('slug')])
  t.same([all?.from, all?.splat], [[], true])
  t.same([under?.from, under?.splat], [[segment('x')], true])
})

t.test('a path is compared decoded, without its last slash', async (t) => {
  const rows: readonly (readonly [string, string[]])[] = [
    ['/', []],
    ['/a/', ['a']],
    ['/a%20b', ['a b']],
    ['/%C3%A9t%c3%a9', ['été']],
    ['/été', ['été']],
    ['/a:b', ['a:b']],
    ['/%2A', ['*']],
    ['/100%25', ['100%']]
  ]
  for (const [from, names] of rows) {
    t.same(rules(`${from} /t`)[0]?.from, names.map(segment), from)
  }
})

t.test('a target is a path of the site or a whole http or https URL', async (t) => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['/b', '', '/b'],
    ['/b?x=1#y', '', '/b?x=1#y'],
    ['/é b'.replace(' ', '\u00a0'), '', '/%C3%A9%C2%A0b'],
    ['/%41%', '', '/%41%25'],
    ['/a<b>"', '', '/a%3Cb%3E%22'],
    ['https://example.org', 'https://example.org', ''],
    ['https://example.org/:splat', 'https://example.org', '/:splat'],
    ['HTTP://example.org:8080/x', 'HTTP://example.org:8080', '/x'],
    ['http://[::1]:80?x', 'http://[::1]:80', '?x']
  ]
  for (const [target, origin, rest] of rows) {
    t.same(rules(`/a ${target}`)[0]?.to, { origin, rest }, target)
  }
})

t.test('a file with a wrong line has no rules, and says which line and why', async (t) => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['/a', /from to/],
    ['/a # /b', /from to/],
    ['a /b', /begin with a slash/],
    ['https://example.org/a /b', /begin with a slash/],
    ['/a?x=1 /b', /queries/],
    ['/a#x /b', /fragments/],
    ['/a b', /begin with a slash, http/],
    ['/a ./b', /begin with a slash, http/],
    ['/a javascript:alert(1)', /begin with a slash, http/],
    ['/a data:text/html,x', /begin with a slash, http/],
    ['/a ftp://example.org/', /begin with a slash, http/],
    ['/a //example.org/', /begins with https/],
    ['/a /\\example.org/', /backslash/],
    ['/a https:\\\\example.org/', /backslash/],
    ['/a /b\u0001', /control/],
    ['/a /b\u0085', /control/],
    ['/a https://', /not a URL/],
    ['/a https:///example.org', /not a URL/],
    ['/a https://user@example.org/', /not a URL/],
    ['/a https://example.org:99999/', /not a URL/],
    ['/:x https://:x/', /not a URL/],
    ['/:x https://:x.example.org/', /not a URL/],
    ['/* https://example.org:splat', /not a URL/],
    ['/a https://ex%41mple.org/', /not a URL/],
    ['/a https://exämple.org/', /not a URL/],
    ['/a /b 300', /status is one of/],
    ['/a /b 200!', /forced/],
    ['/a /b !', /forced/],
    ['/a /b 301.0', /status is one of/],
    ['/a /b 500', /status is one of/],
    ['/a /b Country=us', /status is one of/],
    ['/a /b 301 Country=us', /conditions/],
    ['/a id=:id /b 301', /begin with a slash, http/],
    ['/a https://example.org/ 200', /path of this site/],
    ['/a https://example.org/ 404', /path of this site/],
    ['/*/a /b', /last segment, alone/],
    ['/a* /b', /last segment, alone/],
    ['/** /b', /last segment, alone/],
    ['/a/*/ /b', /last segment, alone/],
    ['/: /b', /placeholder is/],
    ['/:1 /b', /placeholder is/],
    ['/:a-b /b', /placeholder is/],
    ['/:a/:a /b', /one name/],
    ['/:splat/* /b', /one name/],
    ['/a//b /c', /no request/],
    ['// /c', /no request/],
    ['/a/../b /c', /no request/],
    ['/%2e%2e /c', /no request/],
    ['/a%2Fb /c', /no request/],
    ['/%00 /c', /no request/],
    ['/%zz /c', /percent-encoding/],
    [`/* /${':splat'.repeat(33)}`, /placeholders in a target/]
  ]
  for (const [line, why] of rows) {
    const found = outcome(`# first\n/ok /there\n${line}\n/also /ok`)
    t.match(found, { kind: 'invalid', line: 3, detail: why }, line)
  }
})

t.test('a file is at most 64 KiB of UTF-8 with 2000 rules', async (t) => {
  const whole = `/a /b\n#${' '.repeat(MAX_REDIRECTS_BYTES - 7)}`
  t.equal(whole.length, MAX_REDIRECTS_BYTES)
  t.equal(rules(whole).length, 1)
  t.match(outcome(`${whole} `), { kind: 'invalid', line: 0, detail: /64 KiB/ })
  t.match(parseRedirects(Buffer.of(0x2f, 0xff)), { kind: 'invalid', line: 0, detail: /UTF-8/ })
  t.equal(rules('/a /b\n'.repeat(MAX_RULES)).length, MAX_RULES)
  const more = outcome('/a /b\n'.repeat(MAX_RULES + 1))
  t.match(more, { kind: 'invalid', line: MAX_RULES + 1, detail: /more than 2000/ })
})

t.test('any text gives rules or names a line of it', async (t) => {
  const word = fc.constantFrom(
    ...['/', '/a', ':', ':b', '*', '//', '\\', '%', '%2F', '#', '?', ' ', '\t', '\n', '\r\n'],
    ...['http://', 'https://', 'x', '301', '200', '!', '\0', 'é', '\u2028', '@', '[', '..']
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(word, { maxLength: 24 }).map((words) => words.join(''))
  )
  holds(
    t,
    fc.property(text, (content) => {
      const found = outcome(content)
      const lines = content.split('\n').length
      if (found.kind === 'invalid') return found.line <= lines && found.detail !== ''
      return found.rules.every(
        ({ to, line }) =>
          line >= 1 && line <= lines && /^[\x21-\x7e]*$/.test(to.rest) && !/^\/\//.test(to.rest)
      )
    }),
    5000
  )
  holds(
    t,
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      (bytes) => parseRedirects(bytes).kind !== undefined
    )
  )
})
