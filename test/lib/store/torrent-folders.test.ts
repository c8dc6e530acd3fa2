import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openTrash, torrentFolders } from '../../../lib/store/torrent-folders.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string]

t.test('only folders that are torrents on their own shelf are found', async (t) => {
  const root = testFolder(t)
  for (const path of [`aa/${A}`, `bb/${A}`, `cc/${C.toUpperCase()}`, `xx/${B}`, 'bb/short']) {
    mkdirSync(join(root, path), { recursive: true })
  }
  t.same(await torrentFolders(root).scan(), [A])
})

t.test('stray files are no torrents and no shelves', async (t) => {
  const root = testFolder(t, { aa: { [A]: 'a file', note: '' }, bb: 'a file', cc: { [C]: {} } })
  t.same(await torrentFolders(root).scan(), [C])
})

t.test('a folder in the trash is out of the way at once and unlinked soon', async (t) => {
  const root = testFolder(t, { victim: { file: 'x' }, trash: { left: { over: '' } } })
  const trash = await openTrash(join(root, 'trash'), silentLog)
  await trash.take(join(root, 'victim'), 'victim')
  t.equal(existsSync(join(root, 'victim')), false)
  writeFileSync(join(root, 'victim'), 'another')
  await trash.settled()
  t.same(readdirSync(join(root, 'trash')), [])
  await t.rejects(trash.take(join(root, 'nothing'), 'nothing'), { code: 'ENOENT' })
})
