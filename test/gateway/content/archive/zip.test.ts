import { open } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { archivedFiles } from '../../../../gateway/content/archive/entry-names.ts'
import { zipOf } from '../../../../gateway/content/archive/zip.ts'
import { IMMUTABLE } from '../../../../gateway/content/representation.ts'
import type { Entry } from '../../../../lib/control/control.ts'
import { testFolder } from '../../../fakes/test-folder.ts'
import { entryOf, HASH } from '../../publish/fleet.ts'
import {
  bytesOf,
  contentOf,
  type FileSpec,
  folderEntry,
  folderOf,
  noPython,
  ODD_FILES,
  onDisk,
  python
} from './archive-rig.ts'

const GiB = 2 ** 30
const zipped = (entry: Entry, path = '') => zipOf(entry, folderOf(entry, path))

/** Tests an archive and lists it. */
const READ = `
import sys, json, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps({
  'bad': z.testzip(),
  'files': [[i.filename, i.file_size, i.CRC, list(i.date_time), i.flag_bits] for i in z.infolist()],
}))`

/** Some files of these CRC-32s unknown. */
const SPECS: readonly FileSpec[] = ODD_FILES.map((spec, index) => ({
  ...spec,
  unknown: index % 3 !== 0
}))

t.test('another program reads every file of an archive', { skip: noPython }, async (t) => {
  for (const specs of [ODD_FILES, SPECS, [], [{ path: 'one' }]]) {
    const entry = folderEntry(specs)
    const known = folderEntry(specs.map((spec) => ({ ...spec, unknown: false })))
    const path = await onDisk(t, 'a.zip', bytesOf(zipped(entry)))
    const names = archivedFiles(folderOf(entry), false)
    t.same(await python(READ, path), {
      bad: null,
      files: names.map(({ file, name }, index) => [
        name,
        file.size,
        known.files[index]?.crc32,
        [2026, 11, 22, 0, 0, 0],
        entry.files[index]?.crc32 === null && file.size > 0 ? 0x808 : 0x800
      ])
    })
  }
})

t.test(
  'with every CRC-32 known the length is known and any span is a slice of the whole',
  async (t) => {
    const archive = zipped(folderEntry(ODD_FILES))
    const whole = bytesOf(archive)
    t.equal(archive.size, whole.length)
    t.equal(archive.cacheControl, IMMUTABLE)
    const offset = fc.nat(whole.length + 10)
    fc.assert(
      fc.property(offset, offset, (start, end) => {
        t.ok(bytesOf(archive, start, end).equals(whole.subarray(start, Math.max(start, end))))
      }),
      { numRuns: 300 }
    )
  }
)

t.test('every single byte of a small archive can be had alone', async (t) => {
  const archive = zipped(
    folderEntry([
      { path: 'a', size: 3 },
      { path: 'b', size: 0 }
    ])
  )
  const whole = bytesOf(archive)
  const bytes = Array.from(whole, (_, at) => bytesOf(archive, at, at + 1))
  t.ok(Buffer.concat(bytes).equals(whole))
})

t.test('a client of ranges opens an archive from its end', { skip: noPython }, async (t) => {
  const archive = zipped(folderEntry(ODD_FILES))
  const { size = 0 } = archive
  const pieces: Buffer[] = []
  for (let end = size; end > 0; end -= 777)
    pieces.unshift(bytesOf(archive, Math.max(0, end - 777), end))
  const path = await onDisk(t, 'ranges.zip', Buffer.concat(pieces))
  t.match(await python(READ, path), { bad: null })
})

t.test('a CRC-32 that is unknown is taken from the bytes as they pass', async (t) => {
  const archive = zipped(folderEntry(SPECS))
  t.equal(archive.size, undefined)
  t.notMatch(archive.cacheControl, 'immutable')
  t.ok(bytesOf(archive).equals(bytesOf(archive)), 'two at once do not disturb each other')
  t.throws(() => archive.parts({ start: 1, end: 2 }), RangeError)
})

t.test('bytes that the tap missed end the archive instead of a wrong CRC-32', async (t) => {
  const archive = zipped(folderEntry([{ path: 'a', size: 9, unknown: true }]))
  t.throws(() => {
    for (const part of archive.parts({ start: 0, end: 999 })) {
      if (part.kind === 'file') part.see?.(contentOf(part.file).subarray(1))
    }
  }, /8 bytes of 9/)
  t.doesNotThrow(() => [...archive.parts({ start: 0, end: 999 })], 'to look is allowed')
})

t.test('the validator changes with the bytes and with nothing else', async (t) => {
  const entry = folderEntry([{ path: 'a/b' }, { path: 'c' }])
  const same = folderEntry([{ path: 'a/b' }, { path: 'c' }])
  t.match(zipped(entry).etag, new RegExp(`^"${HASH}\\.zip\\.[0-9a-f]{16}"$`))
  t.equal(zipped(entry).etag, zipped(same).etag)
  const others = [
    zipped(entry, 'a'),
    zipped({ ...entry, createdAt: 0 }),
    zipped(folderEntry([{ path: 'a/b', unknown: true }, { path: 'c' }]))
  ]
  t.equal(new Set([zipped(entry), ...others].map(({ etag }) => etag)).size, 4)
})

t.test('an archive is a download with a name, told by its type', async (t) => {
  const { headers, mediaType, lastModified, readsOn } = zipped(
    folderEntry([{ path: 'a/b' }, { path: 'a/ö/c' }]),
    'a/ö'
  )
  t.equal(mediaType, 'application/zip')
  t.equal(lastModified, Date.UTC(2026, 10, 22))
  t.match(
    headers['content-disposition'],
    /^attachment; filename="\?\.zip"; filename\*=UTF-8''%C3%B6/
  )
  t.same(
    readsOn?.map(({ path }) => path),
    ['a/ö/c', 'a/ö/c']
  )
})

t.test('the time of publishing is clamped to what a zip can say', async (t) => {
  const times = [-1e12, 0, Date.UTC(1980, 0, 1), Date.UTC(2040, 1, 2), Date.UTC(3000, 0, 1)]
  for (const createdAt of times) {
    const archive = zipped(folderEntry([{ path: 'a' }], { createdAt }))
    t.equal(bytesOf(archive).length, archive.size)
  }
})

t.test('the one file of a torrent without a folder', { skip: noPython }, async (t) => {
  const entry = entryOf({ files: [{ ...folderEntry([{ path: 'movie.mp4', size: 7 }]).files[0]! }] })
  const path = await onDisk(t, 'one.zip', bytesOf(zipped(entry)))
  t.match(await python(READ, path), { bad: null, files: [['movie.mp4', 7]] })
})

t.test('files and archives past 4 GiB', { skip: noPython }, async (t) => {
  for (const unknown of [false, true]) {
    const small = folderEntry([{ path: 'before' }, { path: 'huge' }, { path: 'after', size: 40 }])
    const files = small.files.map((file) =>
      file.path === 'huge' ? { ...file, size: 5 * GiB, crc32: unknown ? null : 7 } : file
    )
    const archive = zipped({ ...small, files })
    const path = join(testFolder(t), 'huge.zip')
    const disk = await open(path, 'w')
    let at = 0
    for (const part of archive.parts({ start: 0, end: Number.MAX_SAFE_INTEGER })) {
      if (part.kind === 'bytes') await disk.write(part.bytes, 0, part.bytes.length, at)
      else if (part.span.end < GiB) await disk.write(contentOf(part.file), 0, part.span.end, at)
      at += part.kind === 'bytes' ? part.bytes.length : part.span.end
    }
    await disk.close()
    if (!unknown) t.equal(at, archive.size)
    const script = `
import sys, json, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps([[i.file_size for i in z.infolist()], z.read('album/after').hex()]))`
    const [sizes, after] = [[10, 5 * GiB, 40], contentOf({ index: 2, size: 40 }).toString('hex')]
    t.same(await python(script, path), [sizes, after])
  }
})

t.test('a span far inside a huge archive is found at once', async (t) => {
  const small = folderEntry(Array.from({ length: 1000 }, (_, index) => ({ path: `f${index}` })))
  const files = small.files.map((file) => ({ ...file, size: 3 * GiB + 1 }))
  const archive = zipped({ ...small, files })
  const start = 1500 * GiB
  const [part, ...more] = [...archive.parts({ start, end: start + 100 })]
  t.same(more, [])
  t.match(part, { kind: 'file', file: { index: 499 } })
})

t.test('more files than 16 bits can count', { skip: noPython }, async (t) => {
  const count = 70_000
  const specs = Array.from({ length: count }, (_, index) => ({ path: `d/${index}`, size: 1 }))
  const archive = zipped(folderEntry(specs))
  const whole = bytesOf(archive)
  t.equal(whole.length, archive.size)
  const path = await onDisk(t, 'many.zip', whole)
  const script = `
import sys, json, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps([len(z.infolist()), z.read('album/d/69999').hex()]))`
  const last = contentOf({ index: count - 1, size: 1 }).toString('hex')
  t.same(await python(script, path), [count, last])
  const middle = whole.length - 2_000_000
  t.ok(bytesOf(archive, middle, middle + 9).equals(whole.subarray(middle, middle + 9)))
})
