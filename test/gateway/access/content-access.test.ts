import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { AppError } from '../../../core/errors.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import { createContentAccess } from '../../../gateway/access/content-access.ts'
import { createDenyRules } from '../../../gateway/access/deny-rules.ts'
import { type Denylist, EMPTY_DENYLIST, openDenylist } from '../../../gateway/access/denylist.ts'
import { entryFor, memoryFleet } from '../../fakes/memory-fleet.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const NEVER = new AbortController().signal
const sample = sampleTorrent({ size: 30_000, pieceLength: 16_384, files: [10_000, 20_000] })
const { infoHash } = sample.metainfo
const foreign = entryFor(sample, { name: 'of strangers', revision: 0 })

function prepare(denylist: Denylist = EMPTY_DENYLIST) {
  const fleet = memoryFleet()
  const asked: InfoHash[] = []
  const open = new Set<InfoHash>()
  const openTorrents = {
    has: (infoHash: InfoHash) => open.has(infoHash),
    async find(infoHash: InfoHash) {
      asked.push(infoHash)
      open.add(infoHash)
      return foreign
    }
  }
  const base = { replica: fleet, denylist }
  return {
    fleet,
    asked,
    closed: createContentAccess({ ...base, openTorrents: undefined }),
    open: createContentAccess({ ...base, openTorrents })
  }
}

t.test('what a listing shows follows the list when it changes', async (t) => {
  const folder = testFolder(t, { list: '' })
  const file = join(folder, 'list')
  const denylist = await openDenylist(file, { log: silentLog, lookMs: 5 })
  t.teardown(() => denylist.close())
  const { closed, fleet } = prepare(denylist)
  const entry = fleet.publish(sample)
  t.equal(closed.visible(entry), entry)
  for (const [denied, left] of [
    ['file-0001', 'file-0000'],
    ['file-0000', 'file-0001']
  ]) {
    const changed = new Promise<void>((resolve) => denylist.onChange(resolve))
    await writeFile(`${file}.new`, `${infoHash}/sample/${denied}\n`)
    await rename(`${file}.new`, file)
    await changed
    t.match(closed.visible(entry).files, [{ path: left }])
  }
})

function denying(...lines: string[]): Denylist {
  const rules = createDenyRules()
  for (const line of lines) rules.add(line)
  const error = new AppError('CONTENT_DENIED', 'denied')
  return {
    ...EMPTY_DENYLIST,
    verdict: rules.verdict,
    hasPaths: rules.hasPaths,
    check(infoHash, segments) {
      if (rules.verdict(infoHash, segments) !== undefined) throw error
    }
  }
}

t.test('a closed gateway serves what is published and nothing else', async (t) => {
  const { closed, fleet } = prepare()
  await t.rejects(closed.find(infoHash, NEVER), { code: 'CONTENT_UNKNOWN' })
  const entry = fleet.publish(sample)
  t.equal(await closed.find(infoHash, NEVER), entry)
  fleet.unpublish(infoHash)
  await t.rejects(closed.find(infoHash, NEVER), { code: 'CONTENT_GONE' })
})

t.test('an open gateway asks strangers for what the tracker does not know', async (t) => {
  const { open, asked } = prepare()
  t.equal(await open.find(infoHash, NEVER), foreign)
  t.same(asked, [infoHash])
})

t.test('what is published wins, and a tombstone too', async (t) => {
  const { open, fleet, asked } = prepare()
  const entry = fleet.publish(sample)
  t.equal(await open.find(infoHash, NEVER), entry)
  fleet.unpublish(infoHash)
  await t.rejects(open.find(infoHash, NEVER), { code: 'CONTENT_GONE' })
  t.same(asked, [])
})

t.test('one that is open needs no tracker; one that is not does', async (t) => {
  const { open, fleet } = prepare()
  fleet.down = true
  await t.rejects(open.find(infoHash, NEVER), { code: 'TRACKER_UNAVAILABLE' })
  fleet.down = false
  await open.find(infoHash, NEVER)
  fleet.down = true
  t.equal(await open.find(infoHash, NEVER), foreign)
  const entry = fleet.publish(sample)
  t.equal(await open.find(infoHash, NEVER), entry, 'published meanwhile')
})

t.test('the denylist comes first, in every mode', async (t) => {
  const { open, closed, fleet, asked } = prepare(denying(infoHash))
  fleet.publish(sample)
  for (const access of [open, closed]) {
    await t.rejects(access.find(infoHash, NEVER), { code: 'CONTENT_DENIED' })
  }
  t.same(asked, [])
})

t.test('denied files are in no listing and no archive', async (t) => {
  const { closed, fleet } = prepare(denying(`${infoHash}/sample/file-0001`))
  const entry = fleet.publish(sample)
  t.equal(await closed.find(infoHash, NEVER), entry)
  t.throws(() => closed.check(infoHash, ['sample', 'file-0001']), { code: 'CONTENT_DENIED' })
  closed.check(infoHash, ['sample', 'file-0000'])
  t.same(
    closed.visible(entry).files.map(({ path }) => path),
    ['file-0000']
  )
  t.equal(closed.visible(entry), closed.visible(entry), 'the same object, as long as the list is')
  const other = entryFor(sampleTorrent({ size: 5, pieceLength: 16_384 }))
  t.equal(closed.visible(other), other)
})
