import t from 'tap'
import { createArchives } from '../../../../gateway/content/archive/archives.ts'
import { createPathLookup, folderAround } from '../../../../gateway/content/folder.ts'
import { bytesOf, folderEntry, folderOf, ODD_FILES } from './archive-rig.ts'

const entry = folderEntry([{ path: 'a/1' }, { path: 'a/2' }, { path: 'b/1' }, { path: 'c/1' }])
const resolve = createPathLookup()

function folder(name: string) {
  const target = resolve(entry, ['album', name])
  if (target?.kind !== 'folder') throw new Error(`${name} is no folder`)
  return target.folder
}

t.test('an archive is laid out once while it is remembered', async (t) => {
  const archiveOf = createArchives({ maxFolders: 2, maxFiles: 10 })
  const [a, b] = [archiveOf(entry, folder('a'), 'zip'), archiveOf(entry, folder('b'), 'zip')]
  t.equal(archiveOf(entry, folder('a'), 'zip'), a)
  t.match(archiveOf(entry, folder('a'), 'tar'), { mediaType: 'application/x-tar' })
  t.equal(archiveOf(entry, folder('a'), 'zip'), a, 'both formats stay')
  archiveOf(entry, folder('c'), 'zip')
  t.equal(archiveOf(entry, folder('a'), 'zip'), a)
  t.not(archiveOf(entry, folder('b'), 'zip'), b, 'the one not asked for longest is forgotten')
})

t.test('what is remembered is bounded by files too', async (t) => {
  const archiveOf = createArchives({ maxFolders: 10, maxFiles: 2 })
  const [b, a] = [archiveOf(entry, folder('b'), 'zip'), archiveOf(entry, folder('a'), 'zip')]
  t.equal(archiveOf(entry, folder('a'), 'zip'), a)
  t.not(archiveOf(entry, folder('b'), 'zip'), b)
  const tiny = createArchives({ maxFolders: 10, maxFiles: 1 })
  const large = tiny(entry, folder('a'), 'zip')
  t.equal(tiny(entry, folder('a'), 'zip'), large, 'one that is too large is remembered alone')
  tiny(entry, folderOf(entry, 'a'), 'zip')
  t.not(tiny(entry, folder('a'), 'zip'), large)
})

t.test('the archive of a file alone is another than that of its folder', async (t) => {
  const lone = folderEntry([{ path: 'a/a' }, { path: 'b' }])
  const archiveOf = createArchives()
  for (const format of ['tar', 'zip'] as const) {
    const files = lone.files.map(folderAround)
    const whole = [folderOf(lone), folderOf(lone, 'a')]
    const archives = [...files, ...whole].map((each) => archiveOf(lone, each, format))
    t.equal(new Set(archives.map(({ etag }) => etag)).size, 4, format)
    const [first, second] = archives.map((each) => bytesOf(each).toString('latin1'))
    t.notMatch(first, 'a/a', 'there is no folder in it')
    t.match(second, /b/)
  }
})

t.test('an archive without a file that was denied has a validator of its own', async (t) => {
  const whole = folderEntry(ODD_FILES)
  const entries = [whole, ...whole.files.map((denied) => without(denied.index))]
  const archiveOf = createArchives()
  for (const format of ['tar', 'zip'] as const) {
    const etags = entries.map((each) => archiveOf(each, folderOf(each), format).etag)
    t.equal(new Set(etags).size, entries.length, format)
  }

  function without(index: number) {
    return { ...whole, files: whole.files.filter((file) => file.index !== index) }
  }
})
