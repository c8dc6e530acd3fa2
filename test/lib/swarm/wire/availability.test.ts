import t from 'tap'
import { Availability } from '../../../../lib/swarm/wire/availability.ts'
import { PeerPieces } from '../../../../lib/swarm/wire/peer-pieces.ts'

t.test('counts follow what peers gain, lose and take with them', async (t) => {
  const counts = new Availability(3)
  const peer = new PeerPieces(3)
  peer.setBits(Uint8Array.of(0b1000_0000))
  counts.join(peer)
  t.equal(counts.of(0), 1)
  peer.add(1)
  counts.gain(peer, 1)
  t.same(
    [0, 1, 2].map((index) => counts.of(index)),
    [1, 1, 0]
  )
  peer.add(2)
  counts.gain(peer, 2)
  t.same(
    [0, 1, 2].map((index) => counts.of(index)),
    [0, 0, 0],
    'a seed is left out'
  )
  peer.remove(1)
  counts.lose(peer, 1)
  t.same(
    [0, 1, 2].map((index) => counts.of(index)),
    [1, 0, 1],
    'and counts again'
  )
  counts.leave(peer)
  t.same(
    [0, 1, 2].map((index) => counts.of(index)),
    [0, 0, 0]
  )
})
