import fc from 'fast-check'
import t from 'tap'
import { createPathLookup, folderAround, type Target } from '../../../gateway/content/folder.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { entryOf } from '../publish/fleet.ts'
import { folderEntry, folderOf } from './archive/archive-rig.ts'

const ALBUM = folderEntry([
  { path: 'cd 1/scans/front.jpg', size: 5 },
  { path: 'readme.txt', size: 1 },
  { path: 'cd 1/track.flac', size: 100 },
  { path: 'cd 2/index.html', size: 20 },
  { path: 'cd 1/scans/back.jpg', size: 7 },
  { path: 'cd 2/x/index.html', size: 30 }
])

t.test('a path names a file, a folder or nothing', async (t) => {
  const resolve = createPathLookup()
  const named = (...segments: string[]) => {
    const target = resolve(ALBUM, segments)
    return target?.kind === 'file' ? target.file.path : target?.folder.path
  }
  t.equal(named('album', 'readme.txt'), 'readme.txt')
  t.equal(named('album', 'cd 1', 'scans', 'back.jpg'), 'cd 1/scans/back.jpg')
  t.equal(named('album', 'cd 1', 'scans'), 'cd 1/scans')
  t.equal(named('album'), '')
  t.equal(named(), '', 'the infohash alone is the root too')
  for (const path of [['other'], ['album', 'cd'], ['album', 'cd 1', 'x'], ['readme.txt']]) {
    t.equal(named(...path), undefined, path.join('/'))
  }
})

t.test('names of objects and inherited names are nothing', async (t) => {
  const resolve = createPathLookup()
  for (const name of ['__proto__', 'constructor', 'toString', '']) {
    t.equal(resolve(ALBUM, ['album', name, 'x']), undefined, name)
  }
})

t.test('a folder knows its children, its size and its files in the torrent’s order', async (t) => {
  const root = folderOf(ALBUM)
  t.match(root, { path: '', name: 'album', size: 163, fileCount: 6 })
  t.same(
    root.entries.folders.map(({ name, size, fileCount }) => [name, size, fileCount]),
    [
      ['cd 1', 112, 3],
      ['cd 2', 50, 2]
    ]
  )
  t.same(
    root.entries.files.map(({ path }) => path),
    ['readme.txt']
  )
  t.same(root.files(), ALBUM.files)
  t.same(
    folderOf(ALBUM, 'cd 1')
      .files()
      .map(({ index }) => index),
    [0, 2, 4]
  )
  t.match(folderOf(ALBUM, 'cd 1/scans'), { name: 'scans', path: 'cd 1/scans', size: 12 })
})

t.test('the index of a folder is its own', async (t) => {
  t.equal(folderOf(ALBUM).index, undefined)
  t.equal(folderOf(ALBUM, 'cd 2').index?.path, 'cd 2/index.html')
  t.equal(folderOf(ALBUM, 'cd 2/x').index?.path, 'cd 2/x/index.html')
})

t.test('a single file has no folder but the one of its infohash', async (t) => {
  const resolve = createPathLookup()
  const entry = entryOf()
  t.match(resolve(entry, ['movie.mp4']), { kind: 'file', file: { path: 'movie.mp4' } })
  t.match(resolve(entry, []), { kind: 'folder', folder: { path: '', fileCount: 1, size: 7 } })
  t.equal(resolve(entry, ['movie.mp4', 'movie.mp4']), undefined)
  t.equal(resolve(entry, ['other']), undefined)
})

t.test('one file can stand for itself', async (t) => {
  const [file] = ALBUM.files.slice(-1)
  if (file === undefined) throw new Error('no file')
  const around = folderAround(file)
  t.match(around, { path: file.path, name: 'index.html', size: 30, fileCount: 1 })
  t.equal(around.index, undefined)
  t.same(around.files(), [file])
})

t.test('an entry is indexed once', async (t) => {
  const resolve = createPathLookup()
  const [first, second] = [resolve(ALBUM, ['album']), resolve(ALBUM, [])]
  t.ok(first?.kind === 'folder' && second?.kind === 'folder' && first.folder === second.folder)
})

/** What is wrong with what is found of an entry. */
function mistakes(entry: Entry): string[] {
  const resolve = createPathLookup()
  return entry.files.flatMap((file) => {
    const segments = file.path.split('/')
    const found = resolve(entry, [entry.name, ...segments])
    const folders = segments.map((_, depth) => segments.slice(0, depth))
    const wrong = folders.filter(
      (path) => !knowsFiles(resolve(entry, [entry.name, ...path]), entry)
    )
    const known = found?.kind === 'file' && found.file === file
    return [...(known ? [] : [file.path]), ...wrong.map((path) => path.join('/'))]
  })
}

function knowsFiles(target: Target | undefined, entry: Entry): boolean {
  if (target?.kind !== 'folder') return false
  const { folder } = target
  const below = entry.files.filter(({ path }) =>
    path.startsWith(folder.path === '' ? '' : `${folder.path}/`)
  )
  const size = below.reduce((sum, file) => sum + file.size, 0)
  const same = folder.files().every((file, index) => file === below[index])
  return same && folder.fileCount === below.length && folder.size === size
}

t.test('every file and every folder around one is found, and sizes add up', async (t) => {
  const segment = fc.constantFrom('a', 'b', 'c d', 'é', '\u{10fe80}')
  const path = fc.array(segment, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 40 }), (drawn) => {
      const paths = new Set(drawn.map((segments) => `${segments.join('/')}/f`))
      t.same(
        mistakes(folderEntry([...paths].map((each, index) => ({ path: each, size: index })))),
        []
      )
    }),
    { numRuns: 60 }
  )
})
