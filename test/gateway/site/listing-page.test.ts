import t from 'tap'
import { gatewayPlace, sitePlace } from '../../../gateway/site/listing.ts'
import { renderListingPage } from '../../../gateway/site/listing-page.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { folderEntry, folderOf } from '../content/archive/archive-rig.ts'
import { entryOf, HASH } from '../publish/fleet.ts'

const magnet = 'magnet:?a=1&b=2'

function pageOf(entry: Entry, path = '', place = gatewayPlace(entry, 'http://g.test')): string {
  return renderListingPage({ entry, folder: folderOf(entry, path), place, magnet })
}

/** The links of a page, unescaped. */
function hrefsOf(page: string): string[] {
  return [...page.matchAll(/<a [^>]*?href="([^"]*)"/g)].map(([, href = '']) =>
    href.replaceAll('&#39;', "'").replaceAll('&amp;', '&')
  )
}

const ALBUM = folderEntry(
  [
    { path: 'readme.txt', size: 1536 },
    { path: 'cd 10/x.flac', size: 1 },
    { path: 'cd 2/10.flac', size: 2 },
    { path: 'cd 2/9 ö#.flac', size: 2 },
    { path: 'cd 2/scans/deep/front.jpg', size: 3 }
  ],
  { name: 'a b' }
)
const ROOT = `/${HASH}/a%20b/`

t.test('the page shows names, sizes and links', async (t) => {
  const page = pageOf(entryOf({ files: [{ ...entryOf().files[0]!, size: 1536 }], size: 1536 }))
  t.match(page, /^<!doctype html>/)
  t.match(page, '<title>movie.mp4</title>')
  t.match(page, `<a href="/${HASH}/movie.mp4"><bdi>movie.mp4</bdi></a>`)
  t.match(page, '1.5KiB in 1 file')
  t.match(page, `<a href="/${HASH}.torrent">`)
  t.match(page, `<a href="/${HASH}/?format=zip">`)
  t.match(page, '<a href="magnet:?a=1&amp;b=2">')
  t.match(page, '<time datetime="2026-11-22T00:00:00.000Z">2026-11-22</time>')
})

t.test('folders come first, and everything in the order people expect', async (t) => {
  const links = hrefsOf(pageOf(ALBUM)).filter((href) => href.startsWith(ROOT) && !/[?]/.test(href))
  t.same(links, [`${ROOT}cd%202/`, `${ROOT}cd%2010/`, `${ROOT}readme.txt`])
  t.match(pageOf(ALBUM), '3 files')
  const inside = hrefsOf(pageOf(ALBUM, 'cd 2')).filter((href) => href.endsWith('.flac'))
  t.same(inside, [`${ROOT}cd%202/9%20%C3%B6%23.flac`, `${ROOT}cd%202/10.flac`])
})

t.test('a folder links to those around it and to its own archives', async (t) => {
  const page = pageOf(ALBUM, 'cd 2/scans/deep')
  const links = hrefsOf(page)
  t.same(links.slice(0, 3), [ROOT, `${ROOT}cd%202/`, `${ROOT}cd%202/scans/`])
  for (const format of ['zip', 'tar']) {
    t.ok(links.includes(`${ROOT}cd%202/scans/deep/?format=${format}`), format)
  }
  t.match(page, '<h1><bdi>deep</bdi></h1>')
  t.match(page, '<title>deep</title>')
  t.notMatch(pageOf(ALBUM), 'class="crumbs"', 'nothing is around the root')
})

t.test('a playlist is offered where there is something to play', async (t) => {
  t.match(pageOf(ALBUM, 'cd 2'), `${ROOT}cd%202/?format=m3u`)
  t.notMatch(pageOf(ALBUM, 'cd 2/scans'), 'format=m3u')
})

t.test('on its own host a torrent is the root', async (t) => {
  const links = hrefsOf(pageOf(ALBUM, 'cd 2', sitePlace(ALBUM, 'http://g.test')))
  t.ok(links.includes('/cd%202/10.flac'))
  t.ok(links.includes(`http://g.test${ROOT}cd%202/?format=zip`), 'archives are the gateway’s')
  t.ok(links.includes(`http://g.test/${HASH}.torrent`))
  t.equal(links[0], '/')
})

t.test('names cannot become markup, in text or in attributes', async (t) => {
  const hostile = `<img src=x onerror="alert('&')">#?%2e%2e.txt`
  const name = `"'><script>x</script>`.replace('/', '')
  const entry = folderEntry([{ path: hostile }, { path: `${name}/${hostile}/x` }], { name })
  for (const path of ['', name, `${name}/${hostile}`]) {
    const page = pageOf(entry, path)
    t.notMatch(page, '<script')
    t.notMatch(page, '<img')
    const content = hrefsOf(page).filter((href) => href.startsWith(`/${HASH}/`))
    t.ok(content.length > 0)
    for (const href of content) t.match(href, /^[\w./%~-]+(?:\?format=\w+)?$/)
  }
  t.match(pageOf(entry), '&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;#?%2e%2e.txt')
})

t.test('a name cannot look like another one', async (t) => {
  const entry = folderEntry([{ path: 'photo\u202egpj.exe' }, { path: 'raw\u{10feff}' }])
  const page = pageOf(entry)
  t.match(page, '<bdi>photo\ufffdgpj.exe</bdi>')
  t.match(page, '<bdi>raw%FF</bdi>')
  t.ok(hrefsOf(page).includes(`/${HASH}/album/photo%E2%80%AEgpj.exe`), 'the link is the real name')
})

t.test('a page of very many files is bounded and says so', async (t) => {
  const specs = Array.from({ length: 10_001 }, (_, index) => ({ path: `f${index}`, size: 0 }))
  const page = pageOf(folderEntry([{ path: 'z/x' }, ...specs]))
  t.match(page, '10002 files')
  t.match(page, 'And 2 entries more')
  t.ok(hrefsOf(page).includes(`/${HASH}/album/?format=json`))
  t.match(page, '<bdi>z</bdi>/')
  t.match(page, '<bdi>f9998</bdi>')
  t.notMatch(page, 'f9999<')
})
