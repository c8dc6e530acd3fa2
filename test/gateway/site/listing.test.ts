import fc from 'fast-check'
import t from 'tap'
import { parseContentPath } from '../../../core/content-path.ts'
import { segmentName } from '../../../core/segment-name.ts'
import { createPathLookup, folderAround } from '../../../gateway/content/folder.ts'
import {
  gatewayPlace,
  type ListingPlace,
  listingDocument,
  sitePlace
} from '../../../gateway/site/listing.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { folderEntry, folderOf } from '../content/archive/archive-rig.ts'
import { entryOf, HASH } from '../publish/fleet.ts'

const ORIGIN = 'http://g.test'
const magnet = 'magnet:?a=1&b=2'

function documentOf(entry: Entry, path = '', place = gatewayPlace(entry, ORIGIN)) {
  const listing = { entry, folder: folderOf(entry, path), place, magnet }
  return JSON.parse([...listingDocument(listing)].join(''))
}

t.test('of one file, what it is and where', async (t) => {
  const url = `${ORIGIN}/${HASH}/movie.mp4`
  const file = { path: 'movie.mp4', size: 7, sha256: 'cd'.repeat(32), url }
  t.strictSame(documentOf(entryOf()), {
    infoHash: HASH,
    name: 'movie.mp4',
    path: '',
    size: 7,
    fileCount: 1,
    createdAt: '2026-11-22T00:00:00.000Z',
    links: {
      gateway: url,
      torrent: `${ORIGIN}/${HASH}.torrent`,
      magnet,
      zip: `${ORIGIN}/${HASH}/?format=zip`,
      tar: `${ORIGIN}/${HASH}/?format=tar`,
      m3u: `${ORIGIN}/${HASH}/?format=m3u`
    },
    entries: [{ type: 'file', name: 'movie.mp4', ...file }],
    files: [file]
  })
})

const ALBUM = folderEntry(
  [
    { path: 'readme.txt', size: 1 },
    { path: 'cd 1/ö?.flac', size: 2 },
    { path: 'cd 1/scans/front.jpg', size: 3 }
  ],
  { name: 'a b#1' }
)

t.test('of a root, its children and every file', async (t) => {
  const { entries, files, links, size } = documentOf(ALBUM)
  const root = `${ORIGIN}/${HASH}/a%20b%231/`
  t.equal(links.gateway, root)
  t.equal(links.zip, `${root}?format=zip`)
  t.equal(size, 6)
  t.strictSame(entries, [
    { type: 'folder', name: 'cd 1', path: 'cd 1', size: 5, fileCount: 2, url: `${root}cd%201/` },
    {
      type: 'file',
      name: 'readme.txt',
      path: 'readme.txt',
      size: 1,
      sha256: null,
      url: `${root}readme.txt`
    }
  ])
  t.same(
    files.map(({ url }: { url: string }) => url),
    [`${root}readme.txt`, `${root}cd%201/%C3%B6%3F.flac`, `${root}cd%201/scans/front.jpg`]
  )
})

t.test('of a folder inside, its children only', async (t) => {
  const document = documentOf(ALBUM, 'cd 1')
  t.match(document, { name: 'a b#1', path: 'cd 1', size: 5, fileCount: 2 })
  t.same(
    document.entries.map(({ type, name, path }: Record<string, string>) => [type, name, path]),
    [
      ['folder', 'scans', 'cd 1/scans'],
      ['file', 'ö?.flac', 'cd 1/ö?.flac']
    ]
  )
  t.notOk('files' in document)
  t.equal(document.links.gateway, `${ORIGIN}/${HASH}/a%20b%231/cd%201/`)
  t.equal(document.links.torrent, `${ORIGIN}/${HASH}.torrent`)
})

t.test('of a file alone, itself', async (t) => {
  for (const [entry, url] of [
    [ALBUM, `${ORIGIN}/${HASH}/a%20b%231/readme.txt`],
    [entryOf(), `${ORIGIN}/${HASH}/movie.mp4`]
  ] as const) {
    const [file] = entry.files
    const folder = file && folderAround(file)
    if (folder === undefined) throw new Error('no file')
    const listing = { entry, folder, place: gatewayPlace(entry, ORIGIN), magnet }
    const document = JSON.parse([...listingDocument(listing)].join(''))
    t.match(document, { path: file?.path, size: file?.size, fileCount: 1, entries: [{ url }] })
    t.match(document.links, { gateway: url, zip: `${url}?format=zip` })
    t.equal(document.entries.length, 1)
    t.notOk('files' in document)
  }
})

t.test('a large document comes in pieces and is one', async (t) => {
  const specs = Array.from({ length: 1001 }, (_, index) => ({ path: `d${index % 450}/f${index}` }))
  const entry = folderEntry(specs)
  const listing = { entry, folder: folderOf(entry), place: gatewayPlace(entry, ORIGIN), magnet }
  const pieces = [...listingDocument(listing)]
  t.ok(pieces.length > 8)
  const { entries, files } = JSON.parse(pieces.join(''))
  t.equal(entries.length, 450)
  t.same(
    files.map(({ path }: { path: string }) => path),
    specs.map(({ path }) => path)
  )
})

t.test('whatever the names are, every URL leads back to its file', async (t) => {
  const segment = fc
    .uint8Array({ minLength: 1, maxLength: 12 })
    .map((bytes) => segmentName(bytes.map((byte) => (byte === 0 || byte === 47 ? 64 : byte))))
    .filter((name) => name !== '.' && name !== '..')
  const resolve = createPathLookup()
  fc.assert(
    fc.property(segment, fc.uniqueArray(segment, { minLength: 1 }), (name, names) => {
      const entry = folderEntry(
        names.map((path) => ({ path: `${path}/x` })),
        { name }
      )
      for (const [index, { url }] of documentOf(entry).files.entries()) {
        const path = parseContentPath(url.slice(ORIGIN.length))
        const segments = 'segments' in path ? path.segments : []
        t.match(resolve(entry, segments), { kind: 'file', file: { index } })
      }
    }),
    { numRuns: 30 }
  )
})

t.test('links begin where the reader is', async (t) => {
  const places: [ListingPlace, ListingPlace][] = [
    [
      gatewayPlace(ALBUM, ORIGIN),
      {
        baseUrl: ORIGIN,
        root: `/${HASH}/a%20b%231/`,
        documents: `/${HASH}`,
        formats: `/${HASH}/a%20b%231/`
      }
    ],
    [
      gatewayPlace(entryOf(), ORIGIN, '/s/token'),
      {
        baseUrl: `${ORIGIN}/s/token`,
        root: `/s/token/${HASH}/`,
        documents: `/s/token/${HASH}`,
        formats: `/s/token/${HASH}/`
      }
    ],
    [
      sitePlace(ALBUM, ORIGIN),
      {
        baseUrl: ORIGIN,
        root: '/',
        documents: `${ORIGIN}/${HASH}`,
        formats: `${ORIGIN}/${HASH}/a%20b%231/`
      }
    ]
  ]
  for (const [place, wanted] of places) t.strictSame(place, wanted)
  const { links } = documentOf(ALBUM, 'cd 1', gatewayPlace(ALBUM, ORIGIN, '/s/x'))
  t.equal(links.zip, `${ORIGIN}/s/x/${HASH}/a%20b%231/cd%201/?format=zip`)
})
