/** Silent, rejecting and lying peers. */
import { EventEmitter } from 'node:events'
import type { BlockRequest } from 'bittorrent-protocol'
import Wire from 'bittorrent-protocol'
import t from 'tap'
import type { Torrent } from 'webtorrent'
import { createPeerConduct } from '../../../../lib/swarm/webtorrent/peer-conduct.ts'

interface Stub {
  readonly wire: Wire
  readonly has: Set<number>
  readonly cancelled: number[]
  banned: boolean
  dropped: boolean
}

function stub(pieces: readonly number[], requests: readonly number[] = []): Stub {
  const has = new Set(pieces)
  const out: BlockRequest[] = requests.map((piece) => ({
    piece,
    offset: 0,
    length: 1,
    callback: () => {}
  }))
  const emitter = new EventEmitter()
  const wire: Wire = Object.create(Wire.prototype, {
    on: { value: emitter.on.bind(emitter) },
    emit: { value: emitter.emit.bind(emitter) },
    peerChoking: { value: false },
    requests: { value: out },
    peerPieces: {
      value: {
        get: (index: number) => has.has(index),
        set: (index: number, value: boolean) => void (value ? has.add(index) : has.delete(index))
      }
    },
    cancel: {
      value(piece: number) {
        self.cancelled.push(piece)
        out.shift()
      }
    },
    _parse: { value() {} },
    _buffer: { writable: true },
    _bufferSize: { writable: true },
    destroy: {
      value() {
        self.dropped = true
      }
    }
  })
  const self: Stub = { wire, has, cancelled: [], banned: false, dropped: false }
  return self
}

function conductOf(...peers: readonly Stub[]) {
  const torrent: Torrent = Object.create(null, {
    wires: { value: peers.map(({ wire }) => wire) },
    _selections: { value: { length: 0 } },
    _updateSelections: { value() {} }
  })
  const conduct = createPeerConduct(torrent)
  for (const peer of peers) {
    conduct.watch(peer.wire, {
      classOf: () => 'seeder',
      ban() {
        peer.banned = true
      }
    })
  }
  return conduct
}

t.test('a silent peer loses what another can give, and gets it back later', async (t) => {
  const silent = stub([1, 2], [1, 2])
  const other = stub([1])
  const now = Date.now()
  const conduct = conductOf(silent, other)
  conduct.tick(now + 1000)
  t.same(silent.cancelled, [], 'not yet')
  conduct.tick(Date.now() + 2000)
  t.same(silent.cancelled, [1], 'piece 2 is nowhere else')
  t.same([...silent.has], [2])
  conduct.tick(Date.now() + 8000)
  t.ok(silent.has.has(1))
})

t.test('a rejected piece is not asked of that peer for a while', async (t) => {
  const peer = stub([4])
  const conduct = conductOf(peer)
  const rejectedAt = Date.now()
  peer.wire.emit('reject', 4)
  t.notOk(peer.has.has(4))
  conduct.tick(rejectedAt + 4000)
  t.notOk(peer.has.has(4))
  conduct.tick(Date.now() + 6000)
  t.ok(peer.has.has(4))
})

t.test('who sent a wrong piece alone is banned', async (t) => {
  const liar = stub([0])
  const conduct = conductOf(liar, stub([0]))
  liar.wire.emit('piece', 0)
  conduct.failed(0)
  t.ok(liar.banned && liar.dropped)
})

t.test('of several suspects one alone gets the next try', async (t) => {
  const peers = [stub([0]), stub([0]), stub([0])]
  const conduct = conductOf(...peers)
  peers[0]?.wire.emit('piece', 0)
  peers[1]?.wire.emit('piece', 0)
  conduct.failed(0)
  t.notOk(peers.some(({ banned }) => banned))
  t.equal(peers.filter(({ has }) => has.has(0)).length, 1)
  t.notOk(peers[2]?.has.has(0), 'and it is one of the suspects')

  const chosen = peers.find(({ has }) => has.has(0))
  chosen?.wire.emit('piece', 0)
  conduct.failed(0)
  t.ok(chosen?.banned, 'which proves to be the liar')
  t.ok(
    peers.every(({ has }) => has.has(0)),
    'and the others are asked again at once'
  )
})

t.test('who is left of two suspects, when the other has gone, is not accused', async (t) => {
  const left = stub([0])
  const gone = stub([0])
  const conduct = conductOf(left)
  conduct.watch(gone.wire, { classOf: () => 'stranger', ban() {} })
  gone.wire.emit('piece', 0)
  left.wire.emit('piece', 0)
  conduct.failed(0)
  t.ok(left.has.has(0) && !left.banned)
})

t.test('who completes the piece of a liar that has long gone is not accused', async (t) => {
  const honest = stub([0])
  const gone = stub([0])
  const conduct = conductOf(honest)
  conduct.watch(gone.wire, { classOf: () => 'stranger', ban() {} })
  gone.wire.emit('piece', 0)
  conduct.tick(Date.now())
  honest.wire.emit('piece', 0)
  conduct.failed(0)
  t.ok(honest.has.has(0) && !honest.banned)
})

t.test('a failure of unknown origin accuses nobody', async (t) => {
  const peers = [stub([0]), stub([0])]
  conductOf(...peers).failed(0)
  t.ok(peers.every(({ has, banned }) => has.has(0) && !banned))
})
