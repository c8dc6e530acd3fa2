import t from 'tap'
import { type MetalinkSpec, metalinkPieces } from '../../core/metalink.ts'
import { segmentName } from '../../core/segment-name.ts'

const spec: MetalinkSpec = {
  identity: 'a & b',
  torrent: { url: 'http://gw.test/x.torrent?a&b', folder: true },
  publishedAt: Date.UTC(2026, 10, 22, 1, 2, 3, 456),
  files: [
    {
      path: 'a <b>/1.bin',
      size: 4,
      sha256: 'ab'.repeat(32),
      urls: ['http://gw.test/1', 'http://m/1']
    },
    { path: 'a <b>/2.bin', size: 0, sha256: null, urls: ['http://gw.test/2'] }
  ]
}

function documentOf(spec: MetalinkSpec): string {
  return [...metalinkPieces(spec)].join('')
}

t.test('a metalink has each file with its size, hash, torrent and URLs', async (t) => {
  t.equal(
    documentOf(spec),
    `<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <generator>Swarmgate</generator>
  <published>2026-11-22T01:02:03Z</published>
  <file name="a &lt;b&gt;/1.bin">
    <identity>a &amp; b</identity>
    <size>4</size>
    <hash type="sha-256">${'ab'.repeat(32)}</hash>
    <metaurl mediatype="torrent" priority="1" name="a &lt;b&gt;/1.bin">http://gw.test/x.torrent?a&amp;b</metaurl>
    <url priority="1">http://gw.test/1</url>
    <url priority="2">http://m/1</url>
  </file>
  <file name="a &lt;b&gt;/2.bin">
    <identity>a &amp; b</identity>
    <size>0</size>
    <metaurl mediatype="torrent" priority="1" name="a &lt;b&gt;/2.bin">http://gw.test/x.torrent?a&amp;b</metaurl>
    <url priority="1">http://gw.test/2</url>
  </file>
</metalink>
`
  )
})

t.test('the torrent of a single file needs no name in it, and none is no torrent', async (t) => {
  const single = documentOf({ ...spec, torrent: { url: 'http://gw.test/x', folder: false } })
  t.match(single, '<metaurl mediatype="torrent" priority="1">http://gw.test/x</metaurl>')
  const { torrent: _, ...none } = spec
  t.notMatch(documentOf(none), 'metaurl')
})

t.test('no name can break the document', async (t) => {
  const table: readonly (readonly [string, string])[] = [
    ["\"><file name='x'/>", "&quot;&gt;&lt;file name='x'/&gt;"],
    ['a\tb\nc\rd', 'a&#9;b&#10;c&#13;d'],
    ['a\u0001\u007f', 'a%01%7F'],
    ['\uffff\ufffe', '%EF%BF%BF%EF%BF%BE'],
    ['😀 日本', '😀 日本'],
    [segmentName(Buffer.from([0x66, 0xff])), 'f%FF']
  ]
  for (const [path, written] of table) {
    const files = [{ path, size: 1, sha256: null, urls: [] }]
    const document = documentOf({ ...spec, identity: path, files })
    t.match(document, `<file name="${written}">`)
    t.match(document, `<identity>${written}</identity>`)
  }
})

t.test('a name that XML cannot carry is not looked for in the torrent', async (t) => {
  for (const [path, found] of [
    ['<a> "b"/ü', true],
    ['a & b\tc\nd', true],
    ['a\u0001', false],
    [segmentName(Buffer.from([0x66, 0xff])), false]
  ] as const) {
    const files = [{ path, size: 1, sha256: null, urls: ['http://gw.test/1'] }]
    const folder = documentOf({ ...spec, files })
    t.equal(folder.includes('<metaurl'), found, path)
    t.match(folder, '<url priority="1">http://gw.test/1</url>')
    const single = documentOf({
      ...spec,
      torrent: { url: 'http://gw.test/x', folder: false },
      files
    })
    t.match(single, '<metaurl mediatype="torrent" priority="1">http://gw.test/x</metaurl>')
  }
})
