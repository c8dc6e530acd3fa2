/** Requests of one peer: what is served, refused, bounded. */
import t from 'tap'
import { geometryOf } from '../../../../core/geometry.ts'
import { createUploadQueue, MAX_QUEUED } from '../../../../lib/swarm/webtorrent/upload-queue.ts'
import { fakeWire } from './fake-wire.ts'

const BLOCK = 16 * 1024
const KiB = 1024

function source(has: (index: number) => boolean = () => true) {
  return {
    geometry: geometryOf(10 * 256 * KiB - 100, 256 * KiB),
    has,
    read: async (_: number, __: number, length: number): Promise<Uint8Array | undefined> =>
      Buffer.alloc(length)
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('a request for what we have is answered', async (t) => {
  const peer = fakeWire()
  const queue = createUploadQueue(peer.wire, source())
  queue.add(0, BLOCK, BLOCK)
  await settled()
  t.same(peer.sent, [{ index: 0, offset: BLOCK, length: BLOCK }])
  t.equal(peer.wire.peerRequests.length, 0)
})

t.test('a request that is no block ends the connection', async (t) => {
  const bad: [number, number, number][] = [
    [-1, 0, BLOCK],
    [10, 0, BLOCK],
    [0, -1, BLOCK],
    [0, 0, 0],
    [0, 0, -1],
    [0, 0, 129 * KiB],
    [0, 256 * KiB - 1, 2],
    [9, 256 * KiB - BLOCK, BLOCK]
  ]
  for (const request of bad) {
    const peer = fakeWire()
    createUploadQueue(peer.wire, source()).add(...request)
    t.ok(peer.dropped, request.join(' '))
  }
})

t.test(
  'what is missing or choked is rejected, without BEP 6 disconnected or ignored',
  async (t) => {
    const fast = fakeWire()
    createUploadQueue(
      fast.wire,
      source(() => false)
    ).add(3, 0, BLOCK)
    t.same(fast.rejected, [3])

    const slow = fakeWire({ fast: false })
    createUploadQueue(
      slow.wire,
      source(() => false)
    ).add(3, 0, BLOCK)
    t.ok(slow.dropped)

    const choked = fakeWire({ choking: true })
    createUploadQueue(choked.wire, source()).add(3, 0, BLOCK)
    t.same(choked.rejected, [3])

    const old = fakeWire({ choking: true, fast: false })
    createUploadQueue(old.wire, source()).add(3, 0, BLOCK)
    t.notOk(old.dropped, 'it was sent before the choke arrived')
  }
)

t.test(
  'a peer that reads nothing gets about 1 MiB and no more, and its queue is bounded',
  async (t) => {
    const peer = fakeWire()
    const queue = createUploadQueue(peer.wire, source())
    for (let count = 0; count < 1000; count++) queue.add(1, 0, 128 * KiB)
    for (let turn = 0; turn < 50; turn++) await settled()
    t.ok(peer.unsent <= 1024 * KiB + 4 * 128 * KiB, `${peer.unsent} bytes wait`)
    t.ok(peer.wire.peerRequests.length <= MAX_QUEUED)
    t.ok(peer.rejected.length > 0, 'the rest is rejected')

    const before = peer.sent.length
    peer.unsent = 0
    queue.pump()
    await settled()
    t.ok(peer.sent.length > before, 'once it reads, more follows')
  }
)

t.test('a peer that took nothing for 30 s while bytes wait is dropped', async (t) => {
  const peer = fakeWire()
  const begun = Date.now()
  const queue = createUploadQueue(peer.wire, source())
  queue.add(1, 0, BLOCK)
  await settled()
  queue.sweep(begun + 29_000)
  t.notOk(peer.dropped)
  queue.sweep(Date.now() + 31_000)
  t.ok(peer.dropped)
})

t.test('a cancelled request is not answered', async (t) => {
  const peer = fakeWire()
  const queue = createUploadQueue(peer.wire, source())
  queue.add(1, 0, BLOCK)
  peer.wire.peerRequests.length = 0
  await settled()
  t.same(peer.sent, [])
})

t.test('a block that cannot be read is rejected', async (t) => {
  for (const read of [
    async () => undefined,
    async () => {
      throw new Error('disk')
    }
  ]) {
    const peer = fakeWire()
    createUploadQueue(peer.wire, { ...source(), read }).add(2, 0, BLOCK)
    await settled()
    t.same(peer.rejected, [2])
  }
})
