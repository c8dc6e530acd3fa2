/** The small pieces that others wait at: releases, metadata requests. */
import t from 'tap'
import { createMetadataRequests } from '../../../lib/swarm/metadata-requests.ts'
import { createReleases } from '../../../lib/swarm/releases.ts'
import { makeContent } from './torrent-folder.ts'

const { infoHash } = makeContent('one', 1)
const { infoHash: other } = makeContent('other', 1)

t.test('answers go to questions in their order', async (t) => {
  const releases = createReleases()
  const order: string[] = []
  const first = releases.next(infoHash, 'left').then(() => order.push('first'))
  const second = releases.next(infoHash, 'left').then(() => order.push('second'))
  const evicted = releases.next(infoHash, 'evicted 0-1').then(() => order.push('evicted'))
  releases.answered(infoHash, 'left')
  await first
  t.same(order, ['first'])
  releases.answered(other, 'left')
  releases.answered(infoHash, 'evicted 0-1')
  await evicted
  releases.lost((concerned) => concerned === infoHash)
  await second
  t.same(order, ['first', 'evicted', 'second'])
})

t.test(
  'one question for metadata serves all who ask, and ends with the last of them',
  async (t) => {
    const requests = createMetadataRequests()
    const stops = [new AbortController(), new AbortController()]
    let abandoned = 0
    const [first, second] = stops.map(({ signal }) =>
      requests.wait(infoHash, [], signal, () => void abandoned++)
    )
    stops[0]?.abort(new Error('one left'))
    await t.rejects(Promise.resolve(first), { message: 'one left' })
    t.equal(abandoned, 0)
    t.same([...requests.open()], [[infoHash, []]])
    requests.arrived(infoHash, Buffer.from('info'))
    t.same(await second, Buffer.from('info'))
    stops[1]?.abort()

    const stop = new AbortController()
    const third = requests.wait(infoHash, [], stop.signal, () => void abandoned++)
    stop.abort(new Error('nobody left'))
    await t.rejects(third, { message: 'nobody left' })
    t.equal(abandoned, 1)
    t.same([...requests.open()], [])
  }
)
