import t from 'tap'
import {
  documentForFile,
  documentForListing,
  parseDocumentKind
} from '../../../../gateway/content/documents/kind.ts'

t.test('a suffix is one of four, and nothing that every object has', async (t) => {
  for (const suffix of ['torrent', 'magnet', 'sha256', 'meta4']) {
    t.equal(parseDocumentKind(suffix), suffix)
  }
  for (const suffix of ['', 'TORRENT', 'md5', 'constructor', 'toString', '__proto__']) {
    t.equal(parseDocumentKind(suffix), undefined, suffix)
  }
})

const CHROMIUM =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
/** What aria2 1.36 sends with every request over HTTP. */
const ARIA2 = '*/*,application/metalink4+xml,application/metalink+xml'

t.test('of a torrent, a client that names a document gets it', async (t) => {
  for (const [accept, kind] of [
    [undefined, undefined],
    ['*/*', undefined],
    [CHROMIUM, undefined],
    ['application/json', undefined],
    ['image/png', undefined],
    ['application/x-bittorrent', 'torrent'],
    ['application/metalink4+xml', 'meta4'],
    [ARIA2, 'meta4'],
    ['text/html, application/x-bittorrent;q=0.9', undefined],
    ['text/html;q=0.8, application/x-bittorrent;q=0.9', 'torrent']
  ] as const) {
    t.equal(documentForListing(accept), kind, accept ?? 'no header')
  }
})

t.test('of a file, only a client that wants it more than the file', async (t) => {
  for (const [accept, kind] of [
    [undefined, undefined],
    [CHROMIUM, undefined],
    [ARIA2, undefined],
    ['application/x-bittorrent', 'torrent'],
    ['application/metalink4+xml, */*;q=0.5', 'meta4'],
    ['application/metalink4+xml;q=0.5, */*;q=0.5', undefined],
    ['application/metalink4+xml;q=0', undefined],
    ['text/plain, application/x-bittorrent', undefined],
    ['text/plain;q=0.5, application/x-bittorrent', 'torrent']
  ] as const) {
    t.equal(documentForFile(accept, 'text/plain; charset=utf-8'), kind, accept ?? 'no header')
  }
  const own = documentForFile('application/x-bittorrent', 'application/x-bittorrent')
  t.equal(own, undefined, 'a .torrent that was published is itself')
})
