import t from 'tap'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Entry } from '../../lib/control/control.ts'
import { createSwarmAccess } from '../../tracker/swarm-access.ts'
import { openControl } from './open-control.ts'
import { nodeId, torrentOf } from './torrents.ts'

const a = torrentOf('a')

t.test(
  'with access "published", what is published has a swarm, at once and until it is not',
  async (t) => {
    const { control, catalogue } = await openControl(t)
    const approve = createSwarmAccess('published', { catalogue })
    t.equal(await approve(a.draft.infoHash), false)
    await control.commit(a.draft, a.info, nodeId(1))
    t.equal(await approve(a.draft.infoHash), true)
    await control.unpublish(a.draft.infoHash)
    t.equal(await approve(a.draft.infoHash), false)
    await control.commit(a.draft, a.info, nodeId(1))
    t.equal(await approve(a.draft.infoHash), true)
  }
)

t.test('what was published before the start is looked up once', async (t) => {
  const asked: InfoHash[] = []
  const entry: Entry = { ...a.draft, replicas: 2, state: 'published', createdAt: 1, revision: 1 }
  const catalogue = {
    async lookup(infoHash: InfoHash) {
      asked.push(infoHash)
      return entry
    },
    onChange: () => () => true
  }
  const approve = createSwarmAccess('published', { catalogue })
  t.equal(await approve(a.draft.infoHash), true)
  t.equal(await approve(a.draft.infoHash), true)
  t.same(asked, [a.draft.infoHash])
})

t.test('with access "any" every swarm is welcome, with "fleet" none', async (t) => {
  const catalogue = {
    lookup: async () => t.fail('nothing to ask') as never,
    onChange: () => () => true
  }
  t.equal(await createSwarmAccess('any', { catalogue })(a.draft.infoHash), true)
  t.equal(await createSwarmAccess('fleet', { catalogue })(a.draft.infoHash), false)
})
