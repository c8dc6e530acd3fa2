import fc from 'fast-check'
import t from 'tap'
import { createPathLookup } from '../../../gateway/content/folder.ts'
import { parseRedirects } from '../../../gateway/origin/redirects-file.ts'
import { planSite } from '../../../gateway/origin/site-plan.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { holds } from '../../core/property.ts'
import { siteEntry } from './site-samples.ts'

const resolve = createPathLookup()

/** The plan in one line: `200 path`, `301 -> location`, `list path/`, `error CODE`. */
function answer(entry: Entry, target: string, redirects?: string): string {
  const read = redirects === undefined ? undefined : parseRedirects(Buffer.from(redirects))
  const plan = planSite(resolve, { entry, target, redirects: read })
  if (plan.kind === 'file') return `${plan.status} ${plan.file.path}`
  if (plan.kind === 'redirect') return `${plan.status} -> ${plan.location}`
  if (plan.kind === 'listing') return `list ${plan.folder.path}/`
  if (plan.kind === 'unread-redirects') return `read ${plan.file.path}`
  return `${plan.code} ${plan.detail}`
}

type Rows = readonly (readonly [target: string, expected: string | RegExp])[]

const pages = {
  'index.html': 'home',
  '404.html': 'none',
  'docs/index.html': 'docs',
  'docs/a b.html': 'a b',
  'docs/404.html': 'no such page',
  'docs/deep/er/x.txt': 'x',
  'media/ą/ę.mp4': 'film',
  'v1/torrents': 'not the API',
  's/page.html': 's',
  '100%.txt': 'all',
  'robots.txt': 'mine',
  'what?.txt': 'who'
}
const site = siteEntry(pages)

t.test('a site serves its files at its root, folders by their index', async (t) => {
  const rows: Rows = [
    ['/', '200 index.html'],
    ['/?download=1&format=zip', '200 index.html'],
    ['/index.html', '200 index.html'],
    ['/docs/', '200 docs/index.html'],
    ['/docs', '301 -> /docs/'],
    ['/docs?x=1&y=/../', '301 -> /docs/?x=1&y=/../'],
    ['/docs/a%20b.html', '200 docs/a b.html'],
    ['/docs/deep/', 'list docs/deep/'],
    ['/docs/deep', '301 -> /docs/deep/'],
    ['/media/%C4%85', '301 -> /media/%C4%85/'],
    ['/media/\xc4\x85', '301 -> /media/%C4%85/'],
    ['/media/%C4%85?\xc4\x85', '301 -> /media/%C4%85/?%C4%85'],
    ['/media/%c4%85/%C4%99.mp4', '200 media/ą/ę.mp4'],
    ['/100%25.txt', '200 100%.txt'],
    ['/what%3F.txt', '200 what?.txt'],
    ['/v1/torrents', '200 v1/torrents'],
    ['/v1', '301 -> /v1/'],
    ['/s/page.html', '200 s/page.html'],
    ['/robots.txt', '200 robots.txt']
  ]
  for (const [target, expected] of rows) t.equal(answer(site, target), expected, target)
})

t.test('what is not there is the nearest 404.html', async (t) => {
  const rows: Rows = [
    ['/none', '404 404.html'],
    ['/none/', '404 404.html'],
    ['/a/b/c', '404 404.html'],
    ['/docs/none', '404 docs/404.html'],
    ['/docs/deep/none', '404 docs/404.html'],
    ['/docs/deep/er/x.txt/', '404 docs/404.html'],
    ['/docs/deep/er/x.txt/y', '404 docs/404.html'],
    ['/media/none', '404 404.html'],
    ['/index.html/', '404 404.html'],
    ['/DOCS/', '404 404.html'],
    [`/${site.infoHash}/the%20site/index.html`, '404 404.html'],
    [`/${site.infoHash}.torrent`, '404 404.html'],
    ['/v1/files/', '404 404.html']
  ]
  for (const [target, expected] of rows) t.equal(answer(site, target), expected, target)
  const bare = siteEntry({ 'a.txt': '', 'b/c.txt': '' })
  t.match(answer(bare, '/none%20'), /^FILE_UNKNOWN .*\/none%20$/)
  t.equal(answer(bare, '/'), 'list /', 'no index: what is in it')
})

t.test('a path that could mean something else is refused', async (t) => {
  const targets = '//evil.example /docs//x /. /.. /docs/../x /%2e%2e/x /a%2Fb /%00 /% /%E0%A4%A'
  for (const target of [...targets.split(' '), '//', '', 'x', '*', '/docs//evil.example/..']) {
    t.match(answer(site, target), /^PATH_INVALID /, target)
  }
})

t.test('a torrent of one file is a site with that file', async (t) => {
  const film = siteEntry({ 'a film.mp4': 'film' }, { single: true })
  t.equal(answer(film, '/'), '302 -> /a%20film.mp4')
  t.equal(answer(film, '/?t=5'), '302 -> /a%20film.mp4?t=5')
  t.equal(answer(film, '/a%20film.mp4'), '200 a film.mp4')
  t.match(answer(film, '/a%20film.mp4/'), /^FILE_UNKNOWN/)
  t.match(answer(film, '/a%20film.mp4/a%20film.mp4'), /^FILE_UNKNOWN/)
  const page = siteEntry({ 'index.html': 'page' }, { single: true })
  t.equal(answer(page, '/'), '200 index.html')
  t.equal(answer(page, '/index.html'), '200 index.html')
})

const RULES = `/one /docs/ 301
/two https://example.org/:none?a=1 302
/app/* /index.html 200
/pages/:name /docs/:name.html 200
/manual /docs 200
/gone/* /docs/404.html 410
/law/* /docs/404.html 451
/lost/* /docs/404.html 404
/broken /nothing.html 410
/docs/* /index.html 200
/* /docs/index.html 404`

t.test('what is not there may be led elsewhere, what is there never is', async (t) => {
  const ruled = siteEntry({ ...pages, _redirects: RULES })
  t.equal(answer(ruled, '/docs/none'), 'read _redirects', 'only then are the rules needed')
  t.equal(answer(ruled, '/docs/'), '200 docs/index.html')
  const rows: Rows = [
    ['/', '200 index.html'],
    ['/docs', '301 -> /docs/'],
    ['/docs/deep/', 'list docs/deep/'],
    ['/docs/a%20b.html', '200 docs/a b.html'],
    ['/docs/none', '200 index.html'],
    ['/one', '301 -> /docs/'],
    ['/one/?x=%20', '301 -> /docs/?x=%20'],
    ['/two?b=2', '302 -> https://example.org/:none?a=1&b=2'],
    ['/app/any/thing?q', '200 index.html'],
    ['/app', '200 index.html'],
    ['/pages/a%20b', '200 docs/a b.html'],
    ['/pages/none', '404 404.html'],
    ['/manual', '200 docs/index.html'],
    ['/gone/x', '410 docs/404.html'],
    ['/law/x', '451 docs/404.html'],
    ['/lost/x', '404 docs/404.html'],
    ['/broken', 'SITE_INVALID _redirects, line 9: its target is not there.'],
    ['/else', '404 docs/index.html'],
    ['/_redirects', '200 _redirects']
  ]
  for (const [target, expected] of rows) t.equal(answer(ruled, target, RULES), expected, target)
})

t.test('a rewrite is not rewritten again', async (t) => {
  const entry = siteEntry({ _redirects: '', 'b.html': 'b' })
  t.match(answer(entry, '/a', '/a /x 200\n/x /b.html 200'), /^FILE_UNKNOWN/)
})

t.test('a _redirects file that is wrong is said to be, where it is needed only', async (t) => {
  const entry = siteEntry({ 'index.html': 'home', '404.html': '', _redirects: '/a /b 299' })
  t.equal(answer(entry, '/', '/a /b 299'), '200 index.html')
  t.match(answer(entry, '/x', '/a /b 299'), /^SITE_INVALID _redirects, line 1: the status is/)
  t.match(answer(entry, '/x', '/a /b\n/b /c 200!'), /^SITE_INVALID _redirects, line 2: forced/)
  const large = siteEntry({ _redirects: '#'.repeat(64 * 1024 + 1) })
  t.match(answer(large, '/x'), /^SITE_INVALID .*64 KiB/, 'and a large one is not even read')
  const folder = siteEntry({ '_redirects/x': '' })
  t.match(answer(folder, '/x'), /^FILE_UNKNOWN/, 'a folder of that name is no file')
})

t.test('whatever is asked for, there is a plan that stays on the site', async (t) => {
  const ruled = siteEntry({ ...pages, _redirects: '' })
  const rules = '/docs/:a/:b /:b/:a\n/x/* /:splat\n/y/* /:splat/:splat 200'
  const word = fc.constantFrom(
    ...[
      '/',
      '//',
      'docs',
      'x',
      'y',
      '.',
      '..',
      '%2e',
      '%2F',
      '%5C',
      '\\',
      '%',
      '?',
      '#',
      '\xff',
      ':',
      '@'
    ],
    'evil.example'
  )
  holds(
    t,
    fc.property(fc.array(word, { maxLength: 10 }), (words) => {
      const plan = answer(ruled, `/${words.join('')}`, rules)
      const location = /-> (.*)$/.exec(plan)?.[1]
      if (location === undefined) return true
      const { origin } = new URL(location, 'https://site.example')
      return origin === 'https://site.example' && /^\/[\x21-\x7e]*$/.test(location)
    }),
    4000
  )
})
