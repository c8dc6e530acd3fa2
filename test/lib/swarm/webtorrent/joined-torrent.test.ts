/** A torrent that webtorrent gives up comes back by itself. */
import { join } from 'node:path'
import t from 'tap'
import type { Torrent } from 'webtorrent'
import { createDescriptors } from '../../../../lib/store/descriptors.ts'
import type { EngineEvent } from '../../../../lib/swarm/contract.ts'
import { closeClient, openClient } from '../../../../lib/swarm/webtorrent/client.ts'
import { joinTorrent } from '../../../../lib/swarm/webtorrent/joined-torrent.ts'
import { testFolder } from '../../../fakes/test-folder.ts'
import { EVERYTHING, makeContent, makeFolder } from '../torrent-folder.ts'

const CONFIG = {
  host: '127.0.0.1',
  port: 0,
  maxPeers: 10,
  maxPeersPerTorrent: 10,
  maxPeersPerAddress: 100,
  access: 'open'
} as const

/** webtorrent's way out of trouble, which no public call takes with an error. */
function fail(torrent: Torrent, message: string): void {
  const destroy: unknown = Reflect.get(torrent, '_destroy')
  if (typeof destroy !== 'function') throw new Error('webtorrent destroys torrents another way now')
  destroy.call(torrent, new Error(message))
}

t.test('after an error it is added again, with what it has and wants', async (t) => {
  const posted: EngineEvent[] = []
  const client = await openClient(CONFIG, () => {})
  const descriptors = createDescriptors({ max: 4 })
  const folder = await makeFolder(makeContent('given up', 4), join(testFolder(t), 'a'), {
    full: false
  })
  folder.bits.claim(1)
  const joined = joinTorrent(folder.torrent(EVERYTHING), {
    client,
    descriptors,
    maxPeers: 10,
    mayConnect: () => true,
    post: (event) => void posted.push(event)
  })
  t.teardown(async () => {
    await joined.close()
    await closeClient(client)
    await descriptors.close()
  })

  const first = await joined.found()
  t.ok(first)
  if (first === undefined) return
  const failedAt = Date.now()
  fail(first, 'out of luck')
  t.equal(await joined.found(), undefined, 'there is none for the moment')
  t.match(posted, [{ type: 'trouble', message: /out of luck/ }])

  folder.bits.claim(2)
  joined.tick(failedAt + 500)
  t.equal(await joined.found(), undefined, 'it is not added again at once')
  joined.tick(Date.now() + 1500)
  const second = await joined.found()
  t.ok(second !== undefined && second !== first)
  await new Promise<void>((resolve) => {
    if (second?.ready) resolve()
    else second?.once('ready', resolve)
  })
  await new Promise((resolve) => setImmediate(resolve))
  t.same(
    [0, 1, 2, 3].map((index) => second?.bitfield.get(index)),
    [false, true, true, false]
  )
  t.ok((second?._selections.length ?? 0) > 0, 'it wants what was wanted')
})
