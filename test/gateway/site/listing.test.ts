import t from 'tap'
import { listingDocument, listingOf, renderListingPage } from '../../../gateway/site/listing.ts'
import { prefersJson } from '../../../gateway/site/listing-sender.ts'
import type { Entry, EntryFile } from '../../../lib/control/control.ts'
import { entryOf, HASH } from '../publish/fleet.ts'

const LINKS = { gateway: 'http://g.test/x', torrent: 'http://g.test/t', magnet: 'magnet:?a=1&b=2' }
const listing = (entry: Entry) => listingOf(entry, LINKS)
const file = (path: string, index = 0): EntryFile => ({
  index,
  path,
  size: 1536,
  sha256: null,
  crc32: null
})

const HOSTILE = `<img src=x onerror="alert('&')">/#?%2e%2e.txt`

t.test('a file links to its own URL, percent-encoded', async (t) => {
  const single = listing(entryOf({ name: 'a b#1.mp4', files: [file('a b#1.mp4')] }))
  t.equal(single.files[0]?.href, `/${HASH}/a%20b%231.mp4`)
  const folder = listing(entryOf({ single: false, name: 'album', files: [file('cd 1/ö?.flac')] }))
  t.equal(folder.files[0]?.href, `/${HASH}/album/cd%201/%C3%B6%3F.flac`)
})

t.test('the page shows names, sizes and links', async (t) => {
  const page = renderListingPage(listing(entryOf({ files: [file('movie.mp4')], size: 1536 })))
  t.match(page, /^<!doctype html>/)
  t.match(page, '<title>movie.mp4</title>')
  t.match(page, `<a href="/${HASH}/movie.mp4"><bdi>movie.mp4</bdi></a>`)
  t.match(page, '1.5KiB in 1 file')
  t.match(page, `<a href="/${HASH}.torrent">`)
  t.match(page, '<a href="magnet:?a=1&amp;b=2">')
  t.match(page, '<time datetime="2026-11-22T00:00:00.000Z">2026-11-22</time>')
})

t.test('names cannot become markup, in text or in attributes', async (t) => {
  const entry = entryOf({ single: false, name: `"'><script>x</script>`, files: [file(HOSTILE)] })
  const page = renderListingPage(listing(entry))
  t.notMatch(page, '<script')
  t.notMatch(page, '<img')
  t.match(page, '&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;/#?%2e%2e.txt')
  const hrefs = [...page.matchAll(/href="([^"]*)"/g)].map(([, href]) => href ?? '')
  const target = hrefs.find((href) => href.startsWith(`/${HASH}/`)) ?? ''
  t.match(target, /^[\w./%~!()*'&;-]+$/)
  const [, name, ...path] = new URL(target.replaceAll('&#39;', "'"), 'http://g.test').pathname
    .slice(1)
    .split('/')
  t.equal(decodeURIComponent(name ?? ''), entry.name)
  t.equal(path.map(decodeURIComponent).join('/'), HOSTILE)
})

t.test('a page of very many files is bounded and says so', async (t) => {
  const files = Array.from({ length: 10_002 }, (_, index) => file(`f${index}`, index))
  const page = renderListingPage(listing(entryOf({ single: false, files })))
  t.match(page, '10002 files')
  t.match(page, 'And 2 files more')
  t.notMatch(page, 'f10000<')
})

t.test('programs get the same with whole URLs', async (t) => {
  t.strictSame(listingDocument(listing(entryOf()), 'http://g.test'), {
    infoHash: HASH,
    name: 'movie.mp4',
    size: 7,
    createdAt: '2026-11-22T00:00:00.000Z',
    files: [
      {
        path: 'movie.mp4',
        size: 7,
        sha256: 'cd'.repeat(32),
        url: `http://g.test/${HASH}/movie.mp4`
      }
    ],
    links: LINKS
  })
})

t.test('JSON is for those who ask for it, HTML for everybody else', async (t) => {
  for (const accept of [
    'application/json',
    'Application/JSON;q=0.5, */*;q=0.1',
    'text/html;q=0.1,application/json'
  ]) {
    t.ok(prefersJson(accept), accept)
  }
  for (const accept of [
    undefined,
    '',
    '*/*',
    'text/html,application/xhtml+xml,*/*;q=0.8',
    'text/html, application/json',
    'application/json;q=0'
  ]) {
    t.notOk(prefersJson(accept), String(accept))
  }
})
