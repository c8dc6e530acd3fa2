import t from 'tap'
import { infoHashOf } from '../../../core/info-hash.ts'
import type { Change, NodeState } from '../../../lib/control/control.ts'
import type { ShortOfCopies, ShortPage } from '../../../tracker/catalogue/copies.ts'
import { createAssignments } from '../../../tracker/fleet/assignments.ts'
import { nodeId, seeder } from '../torrents.ts'

const seeders: NodeState[] = [1, 2, 3].map((n) => ({ ...seeder(n), revision: n, live: true }))

/** A catalogue of `count` torrents that all have one copy, on the first seeder. */
function catalogueOf(count: number) {
  const torrents: ShortOfCopies[] = Array.from({ length: count }, (_, n) => ({
    infoHash: infoHashOf(Buffer.from(String(n))),
    size: 1,
    wanted: 2,
    holders: new Set([nodeId(1)])
  })).toSorted((a, b) => (a.infoHash < b.infoHash ? -1 : 1))
  const listeners: ((changes: readonly Change[]) => void)[] = []
  let queries = 0
  return {
    torrents,
    change: () => {
      for (const listener of listeners) listener([])
    },
    queries: () => queries,
    onChange(listener: (changes: readonly Change[]) => void) {
      listeners.push(listener)
      return () => true
    },
    usableSeeders: async () => seeders,
    async shortOfCopies({ after, limit }: ShortPage) {
      queries += 1
      return torrents.filter(({ infoHash }) => infoHash > (after ?? '')).slice(0, limit)
    }
  }
}

t.test('the whole catalogue is looked through, each torrent for one seeder', async (t) => {
  const catalogue = catalogueOf(1300)
  const assignments = createAssignments(catalogue)
  const two = await assignments.of(nodeId(2))
  const three = await assignments.of(nodeId(3))
  t.same(
    [...two, ...three].toSorted(),
    catalogue.torrents.map(({ infoHash }) => infoHash)
  )
  t.same(await assignments.of(nodeId(1)), [])
})

t.test('one answer names at most 1000', async (t) => {
  const assignments = createAssignments(catalogueOf(2600))
  t.equal((await assignments.of(nodeId(2))).length, 1000)
})

t.test('who is not a live seeder is given nothing', async (t) => {
  t.same(await createAssignments(catalogueOf(10)).of(nodeId(7)), [])
})

t.test('seeders that ask between two changes share one look at the catalogue', async (t) => {
  const catalogue = catalogueOf(10)
  const assignments = createAssignments(catalogue)
  await Promise.all([1, 2, 3].map((n) => assignments.of(nodeId(n))))
  t.equal(catalogue.queries(), 1)
  catalogue.change()
  await assignments.of(nodeId(2))
  t.equal(catalogue.queries(), 2)
})

t.test('a look that failed is not remembered', async (t) => {
  const catalogue = catalogueOf(10)
  let broken = true
  const usableSeeders = async () => {
    if (broken) throw new Error('the disk is slow')
    return seeders
  }
  const assignments = createAssignments({ ...catalogue, usableSeeders })
  await t.rejects(assignments.of(nodeId(2)), { message: 'the disk is slow' })
  broken = false
  const [two, three] = [await assignments.of(nodeId(2)), await assignments.of(nodeId(3))]
  t.equal(two.length + three.length, 10)
})
