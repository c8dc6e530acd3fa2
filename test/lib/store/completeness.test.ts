import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import { openCompleteness } from '../../../lib/store/completeness.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const hash = (digit: string) => parseInfoHash(digit.repeat(40)) as InfoHash
const [A, B, C] = [hash('a'), hash('b'), hash('c')]
const disk = { syncFolder: async () => {} }
const deps = { disk, log: silentLog }

t.test('a torrent is complete unless a marker says otherwise', async (t) => {
  const folder = testFolder(t, { [B]: '', [C]: '', note: '' })
  const known = await openCompleteness(folder, [A, B], deps)
  t.same([A, B, C].map(known.isComplete), [true, false, false])
  t.same([A, B, C].map(known.has), [true, true, false])
  await known.settled()
  t.same(readdirSync(folder).sort(), [B, 'note'], 'a marker of nothing is removed')
})

t.test('the marker of a new torrent is there before the torrent', async (t) => {
  const folder = testFolder(t)
  const synced: boolean[] = []
  const known = await openCompleteness(folder, [], {
    log: silentLog,
    disk: { syncFolder: async () => void synced.push(existsSync(join(folder, A))) }
  })
  await known.expectIncomplete(A)
  t.same(synced, [true])
  known.set(A, false)
  const again = await openCompleteness(folder, [A], deps)
  t.equal(again.isComplete(A), false)
})

t.test('changes are told once, and the last word is on the disk', async (t) => {
  const folder = testFolder(t)
  const known = await openCompleteness(folder, [A], deps)
  const told: unknown[] = []
  const stop = known.onChange((infoHash, complete) => told.push([infoHash, complete]))
  known.onChange(() => {
    throw new Error('a listener that fails')
  })
  known.set(B, false)
  known.set(A, true)
  known.set(A, false)
  known.set(A, false)
  known.set(A, true)
  known.set(A, false)
  await known.settled()
  t.same(told, [
    [A, false],
    [A, true],
    [A, false]
  ])
  t.same(readdirSync(folder), [A])
  stop()
  known.set(A, true)
  known.delete(A)
  known.delete(A)
  await known.settled()
  t.equal(told.length, 3)
  t.equal(known.has(A), false)
  t.same(readdirSync(folder), [])
})

t.test('a volume without the folder, or that takes no marker, is no obstacle', async (t) => {
  const known = await openCompleteness(join(testFolder(t), 'missing'), [A], deps)
  known.set(A, false)
  await known.settled()
  t.equal(known.isComplete(A), false)
})
