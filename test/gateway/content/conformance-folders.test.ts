/** Folders, names in URLs and sites, as content gateways are tested for, in our own tables. */
import t, { type Test } from 'tap'
import { siteLabel } from '../../../gateway/origin/site-label.ts'
import { store } from '../../lib/node/node-rig.ts'
import { type ContentOptions, get, openGateway } from './content-rig.ts'
import { namedTorrent } from './named-torrent.ts'

const INDEX = '<!doctype html>the index'
const SPANISH = 'Portugal%2C+España=Peninsula Ibérica.txt'

const CONTENTS = {
  'index.html': INDEX,
  'plain.txt': 'plain',
  [SPANISH]: 'Iberia',
  'a#b?c;d:e@f&g$h.txt': 'reserved',
  "it's (1) [2] {3}.txt": 'brackets',
  '日本.txt': 'Japan',
  'tab\tname.txt': 'tab',
  '...': 'three dots',
  'docs/index.html': 'docs',
  'docs/a.txt': 'a',
  'ĝoj/bare.txt': 'bare'
}

async function open(t: Test, contents: Record<string, string>, options: ContentOptions = {}) {
  const gateway = await openGateway(t, options)
  const sample = namedTorrent('my site', contents)
  await store(gateway.library, sample)
  const { infoHash, files } = gateway.fleet.publish(sample)
  const base = `/${infoHash}/my%20site`
  const label = siteLabel(infoHash)
  const tag = (path: string) => `"${infoHash}.${files.find((file) => file.path === path)?.index}"`
  /** Follows nothing. */
  function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
    return get(gateway.url, { path, headers, method })
  }
  const host = `${label}.localhost:${gateway.port}`
  const visit = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    ask(path, { host, ...headers }, method)
  return { gateway, infoHash, base, label, host, tag, ask, visit }
}

t.test('a folder is its index, below a slash that it is led to', async (t) => {
  const { base, infoHash, ask, tag } = await open(t, CONTENTS)
  const rows: [string, number, string][] = [
    [base, 301, `${base}/`],
    [`${base}?a=b%20c&d`, 301, `${base}/?a=b+c&d=`],
    [`${base}/docs`, 301, `${base}/docs/`],
    [`${base}/%C4%9Doj`, 301, `${base}/%C4%9Doj/`],
    [`${base}/`, 200, INDEX],
    [`${base}/index.html`, 200, INDEX],
    [`${base}/docs/`, 200, 'docs'],
    [`${base}/docs/?x=1`, 200, 'docs']
  ]
  for (const [path, status, expected] of rows) {
    for (const method of ['GET', 'HEAD']) {
      const got = await ask(path, {}, method)
      t.equal(got.status, status, `${method} ${path}`)
      if (status === 301) t.equal(got.headers.location, expected)
      else t.equal(got.body.toString(), method === 'HEAD' ? '' : expected)
      if (status === 200) t.equal(got.headers['content-length'], String(expected.length))
    }
  }
  const etag = tag('docs/index.html')
  for (const value of [etag, `W/${etag}`, `"fake", ${etag}`, '*']) {
    const got = await ask(`${base}/docs/`, { 'if-none-match': value })
    t.match(got, { status: 304, headers: { etag } }, value)
  }
  t.equal((await ask(`${base}/docs/`, { 'if-none-match': '"fake"' })).status, 200)
  const part = await ask(`${base}/docs/`, { range: 'bytes=1-2' })
  t.match([part.status, part.body.toString()], [206, 'oc'])

  const bare = await ask(`${base}/%C4%9Doj/`, { accept: 'text/html' })
  t.match(bare.headers, { 'content-type': /^text\/html/, 'cache-control': 'max-age=60' })
  t.match(bare.body.toString(), /bare\.txt/, 'without an index it is listed')
  t.equal((await ask(`/${infoHash}/my%20site/plain.txt/`)).status, 404, 'a file has no slash')
})

t.test('a name is found however it was percent-encoded, and only that name', async (t) => {
  const { base, ask, infoHash } = await open(t, CONTENTS)
  const iberia = encodeURIComponent(SPANISH)
  const rows: [string, number, string?][] = [
    [iberia, 200, 'Iberia'],
    [iberia.toLowerCase(), 404],
    ['Portugal%252C+Espa%c3%b1a=Peninsula%20Ib%C3%A9rica.txt', 200, 'Iberia'],
    ['%50ortugal%252C%2BEspa%C3%B1a%3DPeninsula%20Ib%C3%A9rica.txt', 200, 'Iberia'],
    ['Portugal%2C+Espa%C3%B1a=Peninsula%20Ib%C3%A9rica.txt', 404],
    ['Portugal%252C%20Espa%C3%B1a=Peninsula%20Ib%C3%A9rica.txt', 404],
    ['a%23b%3Fc;d:e@f&g$h.txt', 200, 'reserved'],
    [encodeURIComponent('a#b?c;d:e@f&g$h.txt'), 200, 'reserved'],
    ["it's%20(1)%20%5B2%5D%20%7B3%7D.txt", 200, 'brackets'],
    ['%E6%97%A5%E6%9C%AC.txt', 200, 'Japan'],
    ['%e6%97%a5%e6%9c%ac%2etxt', 200, 'Japan'],
    ['tab%09name.txt', 200, 'tab'],
    ['...', 200, 'three dots'],
    ['%2e%2e%2e', 200, 'three dots'],
    ['docs%2Fa.txt', 400],
    ['docs/%61.txt', 200, 'a'],
    ['docs//a.txt', 400],
    ['docs/./a.txt', 400],
    ['docs/%2e/a.txt', 400],
    ['docs/%2E%2e/plain.txt', 400],
    ['PLAIN.txt', 404],
    ['plain.txt%00', 400],
    ['plain.txt%20', 404],
    ['plain.txt%', 400],
    ['%E0%A4%A', 400],
    ['%E0%A4', 404],
    ['%FF', 404],
    ['plain.txt?%E0%A4%A', 200, 'plain'],
    ['plain.txt?format=nothing', 400]
  ]
  for (const [path, status, body] of rows) {
    const got = await ask(`${base}/${path}`)
    t.equal(got.status, status, path)
    if (body !== undefined) t.equal(got.body.toString(), body, path)
  }
  const upper = `/${infoHash.toUpperCase()}/my%20site/plain.txt`
  t.equal((await ask(upper)).body.toString(), 'plain')
})

t.test('?download and ?filename say what it is saved as, and change no byte', async (t) => {
  const { base, ask } = await open(t, CONTENTS)
  const rows: [string, RegExp][] = [
    ['', /^inline; filename="?plain.txt"?$/],
    ['?download=true', /^attachment; filename="?plain.txt"?$/],
    ['?download', /^attachment; filename="?plain.txt"?$/],
    ['?download=false', /^inline;/],
    [
      '?filename=test%D1%82.jpg',
      /^inline; filename="test\?\.jpg"; filename\*=UTF-8''test%D1%82\.jpg/
    ],
    ['?download=1&filename=a%22b.txt', /^attachment; filename="a\\"b\.txt"/],
    ['?filename=..%2F..%2Fetc%2Fpasswd', /^inline; filename="?\.\._\.\._etc_passwd"?$/],
    ['?download=1&filename=C:%5Cx.exe', /^attachment; filename="C:_x\.exe"$/]
  ]
  for (const [query, expected] of rows) {
    const got = await ask(`${base}/plain.txt${query}`)
    t.match(got.headers['content-disposition'], expected, query)
    t.match([got.status, got.body.toString()], [200, 'plain'])
    t.match(got.headers['content-type'], /^text\/plain/, 'its type is of what it is')
  }
})

const REDIRECTS = `# the first that fits
/redirect-one /plain.txt
/301-redirect-one /plain.txt 301\r
/302-redirect-two /docs/ 302
/200-index /index.html 200
/posts/:year/:month/:title /articles/:year-:month/:title 301
/splat/* /to/:splat 307
/out https://example.net/x?y=1 308
/docs/a.txt /plain.txt 200
/not-found/* /404.html 404
/gone/* /410.html 410
/unavail/* /451.html 451
/void /nowhere.html 200
`
const SITE = {
  ...CONTENTS,
  _redirects: REDIRECTS,
  '404.html': 'not here',
  '410.html': 'gone',
  '451.html': 'law',
  'docs/404.html': 'no such document'
}

t.test('on a host of its own a torrent is a site with its redirects', async (t) => {
  const { visit, ask, base, tag } = await open(t, SITE)
  const rows: [string, number, string][] = [
    ['/', 200, INDEX],
    ['/docs', 301, '/docs/'],
    ['/docs?q=1', 301, '/docs/?q=1'],
    ['/docs/', 200, 'docs'],
    ['/docs/a.txt', 200, 'a'],
    ['/redirect-one', 301, '/plain.txt'],
    ['/redirect-one?q=1', 301, '/plain.txt?q=1'],
    ['/301-redirect-one', 301, '/plain.txt'],
    ['/302-redirect-two', 302, '/docs/'],
    ['/200-index', 200, INDEX],
    ['/posts/2022/01/hello%20world', 301, '/articles/2022-01/hello%20world'],
    ['/splat/one/two', 307, '/to/one/two'],
    ['/out', 308, 'https://example.net/x?y=1'],
    ['/not-found/anything', 404, 'not here'],
    ['/gone/anything', 410, 'gone'],
    ['/unavail/anything', 451, 'law'],
    ['/void', 404, 'not here'],
    ['/nothing', 404, 'not here'],
    ['/docs/nothing', 404, 'no such document'],
    ['/plain.txt/', 404, 'not here'],
    ['/v1/torrents', 404, 'not here'],
    ['/s/token/x', 404, 'not here'],
    ['/%2e%2e/x', 400, ''],
    ['//example.net/', 400, '']
  ]
  for (const [path, status, expected] of rows) {
    const got = await visit(path)
    t.equal(got.status, status, path)
    if (status < 400 && status >= 300) t.equal(got.headers.location, expected, path)
    else if (expected !== '') t.equal(got.body.toString(), expected, path)
    if (status >= 400) t.equal(got.headers['cache-control'], 'no-store', path)
    if (status === 200) t.equal(got.headers['content-security-policy'], undefined, path)
    const head = await visit(path, {}, 'HEAD')
    t.match(head, { status, body: { length: 0 } }, `HEAD ${path}`)
  }
  for (const [headers, status] of [
    [{ 'if-none-match': `"x", ${tag('plain.txt')}` }, 304],
    [{ range: 'bytes=0-1' }, 206],
    [{ range: 'bytes=99-' }, 416]
  ] as const) {
    t.equal((await visit('/plain.txt', headers)).status, status)
    t.equal((await visit('/nothing', headers)).status, 404, 'of the page of an error there is none')
  }
  t.equal((await ask(`${base}/redirect-one`)).status, 404, 'a path URL has no redirects')
})

t.test('what is wrong with _redirects is said where a rule is needed', async (t) => {
  for (const rules of ['/a', '/a /b 999', '/a b c d', `/a /b\n${'#'.repeat(65_537)}`]) {
    const { visit } = await open(t, { 'index.html': INDEX, _redirects: rules })
    t.equal((await visit('/')).status, 200, 'what is there is served')
    const got = await visit('/nothing')
    t.match(got, { status: 500, headers: { 'cache-control': 'no-store' } }, rules.slice(0, 20))
    t.match(JSON.parse(got.body.toString()), { code: 'SITE_INVALID' })
  }
})

t.test('one page can answer for every path that is not there', async (t) => {
  const { visit } = await open(t, { ...CONTENTS, _redirects: '/* /index.html 200' })
  for (const path of ['/', '/app/route', '/app/route?x', '/%F0%9F%98%80', '/plain.txt/x']) {
    const got = await visit(path)
    t.match([got.status, got.body.toString()], [200, INDEX], path)
    t.match(got.headers['content-type'], /^text\/html/)
  }
  t.equal((await visit('/plain.txt')).body.toString(), 'plain', 'but hides no file')
})

t.test('a host is the gateway, a site, or nobody', async (t) => {
  const gatewayUrl = 'https://files.example.org'
  const { ask, label, infoHash, base, gateway } = await open(t, CONTENTS, { gatewayUrl })
  const path = `${base}/plain.txt`
  for (const host of ['files.example.org', 'FILES.example.org.', 'files.example.org:444']) {
    t.equal((await ask(path, { host })).status, 200, host)
  }
  for (const host of ['127.0.0.1', '[::1]:80', 'localhost', '10.1.2.3:8080']) {
    t.equal((await ask(path, { host })).status, 200, host)
  }
  for (const host of ['evil.example', `${label}.evil.example`, 'example.org', 'xlocalhost']) {
    const got = await ask(path, { host })
    t.match(got, { status: 421, headers: { 'cache-control': 'no-store' } }, host)
    t.equal((await ask('/v1/torrents', { host })).status, 421)
  }
  for (const host of [
    'no.files.example.org',
    `${label.slice(1)}.files.example.org`,
    '-.localhost'
  ]) {
    t.equal((await ask('/plain.txt', { host })).status, 421, host)
  }
  for (const host of [`${label}.files.example.org`, `${label.toUpperCase()}.localhost:1`]) {
    t.equal((await ask('/plain.txt', { host })).body.toString(), 'plain', host)
    t.equal((await ask(path, { host })).status, 404, 'a site has no infohashes')
  }
  const moved = await ask('/docs/?q=1', { host: `${infoHash}.files.example.org:444` })
  t.equal(moved.status, 301)
  t.equal(moved.headers.location, `http://${label}.files.example.org:444/docs/?q=1`)
  for (const host of ['a b', 'a/b', 'a@b', '[', 'x'.repeat(300)]) {
    t.ok([400, 421].includes((await ask(path, { host })).status), JSON.stringify(host))
  }
  const other = siteLabel((await open(t, { 'x.txt': '' })).infoHash)
  t.equal((await ask('/', { host: `${other}.localhost` })).status, 404, 'not published here')
  gateway.fleet.unpublish(infoHash)
  t.equal((await ask('/', { host: `${label}.localhost` })).status, 410)
})
