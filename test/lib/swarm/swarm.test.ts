/** The swarm over several threads: ports, shards, metrics, closing. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { shardOf } from '../../../core/info-hash.ts'
import { createMetrics } from '../../../lib/metrics/metrics.ts'
import { createSwarm } from '../../../lib/swarm/swarm.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { listen, verified } from './swarm-events.ts'
import { type Content, EVERYTHING, makeContent, makeFolder, NOTHING } from './torrent-folder.ts'

const CONFIG = { engine: 'webtorrent', wireHost: '127.0.0.1', wirePort: 0, workers: 2 } as const

/** A torrent of either shard. */
function contents(): Content[] {
  return [0, 1].map((shard) => {
    for (let name = 0; ; name++) {
      const content = makeContent(`shard ${name}`, 3)
      if (shardOf(content.infoHash, 2) === shard) return content
    }
  })
}

t.test('each worker has its port, each torrent its worker, and bytes are counted', async (t) => {
  const metrics = createMetrics()
  const giver = await createSwarm(CONFIG, { log: silentLog })
  const taker = await createSwarm({ ...CONFIG, workers: 1 }, { log: silentLog, metrics })
  t.teardown(() => Promise.all([giver.close(), taker.close()]))
  t.equal(new Set(giver.ports).size, 2)

  const dir = testFolder(t)
  async function fetchAll(content: Content, shard: number): Promise<void> {
    const full = await makeFolder(content, join(dir, `full${shard}`), { full: true })
    const empty = await makeFolder(content, join(dir, `empty${shard}`), { full: false })
    const events = listen(taker, content.infoHash)
    giver.join(full.torrent(NOTHING))
    const port = giver.ports[shard] ?? 0
    taker.join(empty.torrent(EVERYTHING, [{ host: '127.0.0.1', port, class: 'seeder' }]))
    await verified(events, [0, 1, 2])
    const size = content.bytes.length
    await events.until(() => taker.stats(content.infoHash)?.downloaded.seeder === size)
  }
  await Promise.all(contents().map(fetchAll))

  const text = await metrics.registry.metrics()
  const bytes = contents().reduce((sum, content) => sum + content.bytes.length, 0)
  t.match(text, `swarmgate_swarm_bytes_total{direction="download",peer_class="seeder"} ${bytes}`)
  t.match(text, 'swarmgate_swarm_pieces_total{result="verified"} 6')
  t.match(text, 'swarmgate_swarm_peers 2')
})

t.test('a port that is taken stops the start, and no thread stays behind', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => void taken.close())
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const config = { ...CONFIG, wirePort: port, workers: 1 }
  await t.rejects(createSwarm(config, { log: silentLog }), { code: 'EADDRINUSE' })
})

t.test('a closed swarm keeps nobody waiting', async (t) => {
  const swarm = await createSwarm({ ...CONFIG, workers: 1 }, { log: silentLog })
  const { infoHash } = makeContent('closing', 1)
  const left = swarm.leave(infoHash)
  await Promise.all([swarm.close(), swarm.close()])
  await Promise.all([left, swarm.leave(infoHash), swarm.evict(infoHash, 0, 1)])
  t.equal(swarm.stats(infoHash), undefined)
})
