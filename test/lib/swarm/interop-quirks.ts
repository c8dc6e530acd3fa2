/**
 * What clients in the field do that no specification says, in raw packets: quicker to find a
 * regression with than the clients themselves.
 */
import { join } from 'node:path'
import t from 'tap'
import { encodeBencode } from '../../../core/bencode.ts'
import { createSwarm, type SwarmConfig } from '../../../lib/swarm/swarm.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { dial, EXTENDED, FAST, ID, type RawPeer } from './raw-peer.ts'
import { makeContent, makeFolder, NOTHING } from './torrent-folder.ts'

const BLOCK = 16 * 1024

/** Runs the quirks against one engine that has a torrent whole. */
export async function quirksSuite(engine: SwarmConfig['engine']): Promise<void> {
  const config = { engine, wireHost: '127.0.0.1', wirePort: 0, workers: 1 }
  const swarm = await createSwarm(config, { log: silentLog })
  t.teardown(() => swarm.close())
  const content = makeContent('quirks', 20)

  const full = await makeFolder(content, join(testFolder(t), 'full'), { full: true })
  swarm.join(full.torrent(NOTHING))

  async function greeted(): Promise<RawPeer> {
    const peer = await dial(swarm.ports[0] ?? 0, content.infoHash)
    peer.greet()
    peer.extendedHandshake({ ut_metadata: 3 })
    peer.send(FAST.haveNone)
    return peer
  }

  t.test('aria2 says its bitfield again instead of HAVE messages', async (t) => {
    const peer = await greeted()
    peer.send(ID.interested)
    await peer.message(({ id }) => id === ID.unchoke)
    for (const bits of ['800000', '80c000', 'ffff00'])
      peer.send(ID.bitfield, Buffer.from(bits, 'hex'))
    peer.request(18, 0, BLOCK)
    const { body } = await peer.message(({ id }) => id === ID.piece)
    t.equal(body.readUInt32BE(0), 18, 'it is served all the same')
    await peer.end()
  })

  t.test('webtorrent does not hear an unchoke that comes right behind the handshake', async (t) => {
    const peer = await greeted()
    await answered(peer)
    peer.received.length = 0
    peer.send(ID.interested)
    await peer.message(({ id }) => id === ID.unchoke)
    t.pass('it is said when the peer is interested, though it may have been said before')
    await peer.end()
  })
}

/** Everything that was sent before has been answered. */
async function answered(peer: RawPeer): Promise<void> {
  const hello = await peer.message(({ id, body }) => id === EXTENDED && body[0] === 0)
  const id = /11:ut_metadatai(\d+)e/.exec(hello.body.toString('latin1'))?.[1]
  peer.extended(Number(id), encodeBencode({ msg_type: 0, piece: 0 }))
  await peer.message(({ id, body }) => id === EXTENDED && body[0] === 3)
}
