import fc from 'fast-check'
import t from 'tap'
import { archivedFiles } from '../../../../gateway/content/archive/entry-names.ts'
import { tarOf } from '../../../../gateway/content/archive/tar.ts'
import type { Entry } from '../../../../lib/control/control.ts'
import {
  bytesOf,
  contentOf,
  folderEntry,
  folderOf,
  noPython,
  ODD_FILES,
  onDisk,
  python
} from './archive-rig.ts'

const GiB = 2 ** 30
const tarred = (entry: Entry, path = '') => tarOf(entry, folderOf(entry, path))

const READ = `
import sys, json, tarfile
t = tarfile.open(sys.argv[1])
print(json.dumps([[m.name, m.size, m.mode, m.mtime, m.isreg(), t.extractfile(m).read().hex()]
  for m in t.getmembers()]))`

t.test('another program reads every file of an archive', { skip: noPython }, async (t) => {
  const entry = folderEntry(ODD_FILES.map((spec) => ({ ...spec, unknown: true })))
  const path = await onDisk(t, 'a.tar', bytesOf(tarred(entry)))
  const published = entry.createdAt / 1000
  t.same(
    await python(READ, path),
    archivedFiles(folderOf(entry), false).map(({ file, name }) => [
      name,
      file.size,
      0o644,
      published,
      true,
      contentOf(file).toString('hex')
    ])
  )
})

t.test('the length is known always and any span is a slice of the whole', async (t) => {
  const archive = tarred(folderEntry(ODD_FILES))
  const whole = bytesOf(archive)
  t.equal(archive.size, whole.length)
  t.equal(whole.length % 512, 0)
  const offset = fc.nat(whole.length + 10)
  fc.assert(
    fc.property(offset, offset, (start, end) =>
      bytesOf(archive, start, end).equals(whole.subarray(start, Math.max(start, end)))
    ),
    { numRuns: 300 }
  )
})

t.test('names of every length around the limits of ustar', { skip: noPython }, async (t) => {
  const lengths = [99, 100, 101, 154, 155, 156, 254, 255, 256, 257, 996, 997, 998, 999, 4000]
  const paths = lengths.flatMap((length, index) => [
    `${index}`.padEnd(length - 'album/'.length, 'x'),
    `${'y'.repeat(90)}/${index}/`.padEnd(length, 'x'),
    `${index}/é`.padEnd(length, 'x')
  ])
  const entry = folderEntry(paths.map((path) => ({ path, size: 1 })))
  const names = (await python(
    READ,
    await onDisk(t, 'names.tar', bytesOf(tarred(entry)))
  )) as string[][]
  t.same(
    names.map(([name]) => name),
    paths.map((path) => `album/${path}`)
  )
})

t.test('a size that ustar cannot say is in a pax header', { skip: noPython }, async (t) => {
  const sizes = [8 * GiB - 512, 8 * GiB, 20 * GiB]
  const small = folderEntry(sizes.map((_, index) => ({ path: `f${index}` })))
  const files = small.files.map((file, index) => ({ ...file, size: sizes[index] ?? 0 }))
  const heads: Uint8Array[] = []
  for (const part of tarred({ ...small, files }).parts({
    start: 0,
    end: Number.MAX_SAFE_INTEGER
  })) {
    if (part.kind === 'bytes') heads.push(part.bytes)
  }
  t.same(
    heads.map((bytes) => bytes.length),
    [512, 3 * 512, 3 * 512, 1024]
  )
  const end = heads.pop() ?? Buffer.alloc(0)
  const script = `
import sys, json, tarfile
m = tarfile.open(sys.argv[1]).next()
print(json.dumps([m.name, m.size]))`
  for (const [index, head] of heads.entries()) {
    const path = await onDisk(t, 'head.tar', Buffer.concat([head, end]))
    t.same(await python(script, path), [`album/f${index}`, sizes[index]])
  }
})

t.test('an archive is a download with a name, told by its type', async (t) => {
  const entry = folderEntry([{ path: 'a/b' }])
  const { etag, headers, mediaType } = tarred(entry, 'a')
  t.equal(mediaType, 'application/x-tar')
  t.equal(headers['content-disposition'], 'attachment; filename=a.tar')
  t.not(etag, tarred(entry).etag)
  const unknown = folderEntry([{ path: 'a/b', unknown: true }])
  t.equal(tarred(unknown, 'a').etag, etag, 'a CRC-32 is no part of it')
})

t.test('an empty folder is an empty archive', async (t) => {
  t.ok(bytesOf(tarred(folderEntry([]))).equals(Buffer.alloc(1024)))
})
