/** One socket per tracker: what it carries, and what it puts up with. */

import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { createAnnounceSchedule } from '../../../../lib/swarm/webrtc/announce-schedule.ts'
import type { OfferSignal } from '../../../../lib/swarm/webrtc/signal.ts'
import { openTrackerSocket } from '../../../../lib/swarm/webrtc/tracker-socket.ts'
import { hashOf } from '../../../tracker/announce/tracker-fixture.ts'
import { binary, id20 } from '../../../tracker/announce/ws-peer.ts'
import { openFakeTracker } from './fake-tracker.ts'

const US = id20('us')
const INFO_HASH = hashOf(1)

interface Offered {
  readonly offer: OfferSignal
  readonly near: boolean
  readonly reply: (sdp: string) => void
}

function openSocket(t: Test, url: string) {
  const schedule = createAnnounceSchedule()
  const troubles: string[] = []
  const troubled = Promise.withResolvers<void>()
  const offered: Offered[] = []
  const heard = Promise.withResolvers<Offered>()
  const socket = openTrackerSocket(url, US, {
    schedule,
    onOffer: (offer, near, reply) => {
      offered.push({ offer, near, reply })
      heard.resolve({ offer, near, reply })
    },
    trouble: (message) => {
      troubles.push(message)
      troubled.resolve()
    }
  })
  t.teardown(() => socket.close())
  return { schedule, socket, troubles, troubled: troubled.promise, offered, heard: heard.promise }
}

function offerFrom(peerId: string): object {
  return {
    action: 'announce',
    info_hash: binary(INFO_HASH),
    peer_id: peerId,
    offer_id: id20('offer'),
    offer: { type: 'offer', sdp: 'theirs' }
  }
}

t.test('every torrent goes over one socket', async (t) => {
  const tracker = await openFakeTracker(t)
  const { schedule, socket } = openSocket(t, tracker.url)
  for (let n = 0; n < 100; n += 1) schedule.put(hashOf(n), n)
  socket.poke()
  const link = await tracker.link()
  const seen = new Set<unknown>()
  while (seen.size < 100) {
    const announce = await link.next()
    t.match(announce, { event: 'started', peer_id: US, numwant: 0, offers: [] })
    seen.add(announce.info_hash)
  }
})

t.test('an offer comes in, and our answer goes back to who made it', async (t) => {
  const tracker = await openFakeTracker(t)
  const { heard } = openSocket(t, tracker.url)
  const link = await tracker.link()
  link.send(offerFrom(id20('them')))
  const { offer, near, reply } = await heard
  t.match(offer, { infoHash: INFO_HASH, sdp: 'theirs' })
  t.ok(near, 'the tracker is on the loopback')
  reply('ours')
  t.match(await link.next(), {
    to_peer_id: id20('them'),
    offer_id: id20('offer'),
    answer: { type: 'answer', sdp: 'ours' }
  })
})

t.test('what a tracker says wrong is passed over', async (t) => {
  const tracker = await openFakeTracker(t)
  const { heard, offered } = openSocket(t, tracker.url)
  const link = await tracker.link()
  for (const text of ['', '{', 'null', '[]', '{"action":"announce"}', '{"action":7}']) {
    link.sendText(text)
  }
  link.send({ ...offerFrom(id20('them')), offer: null })
  link.send({ ...offerFrom(id20('them')), offer: { type: 'offer' } })
  link.send(offerFrom(US))
  link.send(offerFrom(id20('them')))
  await heard
  t.equal(offered.length, 1, 'only the one offer of somebody else')
})

t.test(
  'a message beyond the bound costs the tracker its socket, and all is said again',
  async (t) => {
    const tracker = await openFakeTracker(t)
    const { schedule, socket, troubles } = openSocket(t, tracker.url)
    schedule.put(INFO_HASH, 0)
    socket.poke()
    const link = await tracker.link()
    t.match(await link.next(), { event: 'started' })
    link.sendText('x'.repeat(100_000))
    await link.closed
    const again = await tracker.link()
    t.match(await again.next(), { event: 'started', info_hash: binary(INFO_HASH) })
    t.equal(troubles.length, 1)
  }
)

t.test('a tracker that refuses is told about once', async (t) => {
  const tracker = await openFakeTracker(t)
  const { troubles, heard } = openSocket(t, tracker.url)
  const link = await tracker.link()
  link.send({ action: 'announce', 'failure reason': 'not here' })
  link.send({ action: 'announce', 'failure reason': 'not here' })
  link.send(offerFrom(id20('them')))
  await heard
  t.same(troubles, ['the tracker refuses: not here'])
})

t.test('a tracker that is not there is trouble, and nothing worse', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  server.close()
  await once(server, 'close')
  const { socket, troubled, troubles } = openSocket(t, `ws://127.0.0.1:${port}`)
  await troubled
  socket.poke()
  socket.close()
  socket.close()
  t.match(troubles, [/ECONNREFUSED/])
})

t.test('closing says goodbye first', async (t) => {
  const tracker = await openFakeTracker(t)
  const { schedule, socket } = openSocket(t, tracker.url)
  schedule.put(INFO_HASH, 0)
  const link = await tracker.link()
  socket.poke()
  t.match(await link.next(), { event: 'started' })
  schedule.stop()
  socket.close()
  t.match(await link.next(), { event: 'stopped' })
  await link.closed
})
