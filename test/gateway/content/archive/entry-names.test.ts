import fc from 'fast-check'
import t from 'tap'
import { archivedFiles, harmless } from '../../../../gateway/content/archive/entry-names.ts'
import { entryOf } from '../../publish/fleet.ts'
import { folderEntry, folderOf } from './archive-rig.ts'

function namesOf(paths: readonly string[], name = 'album'): string[] {
  const entry = folderEntry(
    paths.map((path) => ({ path })),
    { name }
  )
  return archivedFiles(folderOf(entry), false).map((archived) => archived.name)
}

t.test('harmless names stay as they are, below the name of the folder', async (t) => {
  const paths = ['a b/ö — 日本.txt', '.hidden', 'a b/...c', 'C', 'CD: 1', '~', '-rf', '%2e%2e']
  t.same(
    namesOf(paths),
    paths.map((path) => `album/${path}`)
  )
})

t.test('a folder inside is the top of its own archive', async (t) => {
  const entry = folderEntry([{ path: 'a/b/c' }, { path: 'a/d' }, { path: 'e' }])
  const names = archivedFiles(folderOf(entry, 'a'), false).map(({ name }) => name)
  t.same(names, ['a/b/c', 'a/d'])
})

t.test('the file of a torrent without a folder has none in the archive', async (t) => {
  const entry = entryOf()
  t.same(
    archivedFiles(folderOf(entry), true).map(({ name }) => name),
    ['movie.mp4']
  )
})

t.test('names that lead elsewhere are changed', async (t) => {
  for (const [name, safe] of [
    ['..\\..\\x', '.._.._x'],
    ['\\abs', '_abs'],
    ['C:x', 'C_x'],
    ['c:', 'c_'],
    ['.. ', '__ _'],
    [' ', ' _'],
    ['a\nb\x1b[31m\x7f', 'a_b_[31m_'],
    ['\u202egpj.exe', '_gpj.exe'],
    ['raw\u{10feff}', 'raw%FF'],
    ['..', '___']
  ] as const) {
    t.equal(harmless(name), safe, JSON.stringify(name))
  }
  t.same(namesOf(['x'], '..'), ['___/x'], 'the name of the torrent too')
})

t.test('a changed name never takes the place of another', async (t) => {
  t.same(namesOf(['a\\b.txt', 'a_b.txt', 'a\nb.txt', 'a_b~2.txt']), [
    'album/a_b~3.txt',
    'album/a_b.txt',
    'album/a_b~4.txt',
    'album/a_b~2.txt'
  ])
  t.same(
    namesOf(['a\\b/x', 'a_b', 'a\nb/x']).toSorted(),
    ['album/a_b', 'album/a_b~2/x', 'album/a_b~3/x'],
    'a folder is not merged with another, nor with a file'
  )
})

t.test('very many names that become the same are no trap', async (t) => {
  const paths = Array.from({ length: 5000 }, (_, index) =>
    [...index.toString(2).padStart(13, '0')].map((bit) => (bit === '0' ? '\\' : '\n')).join('')
  )
  t.equal(new Set(namesOf(paths)).size, 5000)
})

t.test('whatever the names are, none escapes and all differ', async (t) => {
  const segment = fc
    .string({
      unit: fc.constantFrom('.', ' ', '\\', ':', '_', '~', '2', 'a', '\n', '\u{10fe81}', 'é'),
      minLength: 1,
      maxLength: 4
    })
    .filter((name) => name !== '.' && name !== '..')
  const paths = fc.uniqueArray(fc.array(segment, { minLength: 1, maxLength: 3 }), {
    maxLength: 40,
    selector: (path) => path.join('/')
  })
  fc.assert(
    fc.property(paths, segment, (drawn, name) => {
      // A last segment of its own, so that no file is also a folder.
      const names = namesOf(
        drawn.map((path) => [...path, 'file'].join('/')),
        name
      )
      const bad = names.filter((each) =>
        each
          .split('/')
          .some((part) => /^[. ]*$|^[a-z]:|[\\\p{Cc}\u{10fe80}-\u{10feff}]/iu.test(part))
      )
      t.same(bad, [])
      t.equal(new Set(names).size, names.length)
    }),
    { numRuns: 100 }
  )
})
