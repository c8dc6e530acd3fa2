/** Offers become connections within bounds, and whoever does not finish is let go. */
import { randomBytes } from 'node:crypto'
import type { PeerConnection } from 'node-datachannel'
import t, { type Test } from 'tap'
import { createPeers, type PeerLimits } from '../../../../lib/swarm/webrtc/peers.ts'
import type { OfferSignal } from '../../../../lib/swarm/webrtc/signal.ts'
import { hashOf } from '../../../tracker/announce/tracker-fixture.ts'

const SDP = [
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuv',
  `a=fingerprint:sha-256 ${Array(32).fill('ab').join(':')}`,
  'a=setup:actpass',
  'a=mid:0',
  'a=secret:never passed on'
].join('\r\n')

/** A connection of the library that does only what a test says. */
class FakeConnection {
  offer = ''
  closed = 0
  onGathering: (state: string) => void = () => {}
  onState: (state: string) => void = () => {}
  onGatheringStateChange = (call: (state: string) => void) => {
    this.onGathering = call
  }
  onStateChange = (call: (state: string) => void) => {
    this.onState = call
  }
  onDataChannel = () => {}
  setRemoteDescription = (sdp: string) => {
    this.offer = sdp
  }
  localDescription = () => ({ type: 'answer', sdp: 'v=0\r\n' })
  close = () => {
    this.closed += 1
  }
}

function openPeers(t: Test, limits: Partial<PeerLimits> = {}, make = () => new FakeConnection()) {
  const connections: FakeConnection[] = []
  const troubles: string[] = []
  const peers = createPeers(
    {
      iceServers: [],
      bindAddress: undefined,
      named: [],
      wirePorts: [1],
      token: randomBytes(32),
      limits
    },
    {
      open: () => {
        const connection = make()
        connections.push(connection)
        return connection as Partial<PeerConnection> as PeerConnection
      },
      trouble: (message) => void troubles.push(message)
    }
  )
  t.teardown(() => peers.close())
  const answers: string[] = []
  const offer = (n = 1, sdp = SDP) =>
    peers.offered(signal(n, sdp), false, (answer) => void answers.push(answer))
  return { peers, connections, troubles, answers, offer }
}

function signal(n: number, sdp: string): OfferSignal {
  return { kind: 'offer', infoHash: hashOf(n), peerId: 'p', offerId: 'o', sdp }
}

t.test('an offer is passed on in our words and answered when all is gathered', async (t) => {
  const { connections, answers, offer } = openPeers(t)
  offer()
  t.match(connections[0]?.offer, /a=ice-ufrag:abcd/)
  t.notMatch(connections[0]?.offer, /secret/)
  t.same(answers, [])
  connections[0]?.onGathering('in-progress')
  connections[0]?.onGathering('complete')
  connections[0]?.onGathering('complete')
  t.equal(answers.length, 1)
})

t.test('STUN servers that do not answer do not keep the browser waiting', async (t) => {
  const { peers, connections } = openPeers(t, { gatherMs: 1 })
  const answer = await new Promise<string>((resolve) => {
    peers.offered(signal(1, SDP), false, resolve)
  })
  t.equal(answer, 'v=0\r\n')
  t.equal(connections[0]?.closed, 0)
})

t.test('whoever does not connect in time is let go', async (t) => {
  const closed = Promise.withResolvers<void>()
  const { peers, offer } = openPeers(t, { connectMs: 1 }, () => {
    const connection = new FakeConnection()
    connection.close = closed.resolve
    return connection
  })
  offer()
  t.equal(peers.pending, 1)
  await closed.promise
  t.equal(peers.pending, 0)
})

t.test('a connection that failed is closed, once', async (t) => {
  const { peers, connections, offer } = openPeers(t)
  offer()
  connections[0]?.onState('failed')
  connections[0]?.onState('closed')
  t.equal(connections[0]?.closed, 1)
  t.equal(peers.pending, 0)
})

t.test('offers beyond the bounds are not heard', async (t) => {
  const { peers, connections, offer } = openPeers(t, { maxPending: 5, maxPendingPerTorrent: 2 })
  for (let round = 0; round < 4; round += 1) offer(1)
  t.equal(connections.length, 2, 'one torrent has its share')
  for (let n = 2; n < 20; n += 1) offer(n)
  t.equal(connections.length, 5, 'and all together theirs')
  connections[0]?.onState('failed')
  offer(1)
  t.equal(peers.pending, 5, 'until one is done')
})

t.test('an offer that is none costs nothing', async (t) => {
  const { connections, troubles, offer } = openPeers(t)
  offer(1, 'v=0')
  t.equal(connections.length, 0)
  t.same(troubles, [])
})

t.test('a library that throws ends that peer only', async (t) => {
  let make = (): FakeConnection => {
    throw new Error('bad ICE server')
  }
  const { peers, troubles, offer } = openPeers(t, {}, () => make())
  offer()
  t.match(troubles, ['no connection can be made: Error: bad ICE server'])
  make = () => {
    const connection = new FakeConnection()
    connection.setRemoteDescription = () => {
      throw new Error('refused')
    }
    return connection
  }
  offer()
  t.equal(peers.pending, 0)
  make = () => new FakeConnection()
  offer()
  t.equal(peers.pending, 1)
})
