/**
 * What one hostile peer may send without harm to anybody else, for every engine.
 *
 * After each attack an honest peer gets the same engine's bytes, from the same thread: a thread
 * that had ended would have lost its joined torrent's connections and be told by `ended`.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { encodeBencode } from '../../../core/bencode.ts'
import { createSwarm, type Swarm, type SwarmConfig } from '../../../lib/swarm/swarm.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { dial, FAST, ID, listenRaw, type RawPeer, u32 } from './raw-peer.ts'
import { failure, listen } from './swarm-events.ts'
import { type Content, makeContent, makeFolder, NOTHING, PIECE, pieceOf } from './torrent-folder.ts'

const BLOCK = 16 * 1024

/** How an attack ends: the engine disconnects the peer, or bears with it. */
type Ending = 'disconnected' | 'borne'

interface Attack {
  readonly name: string
  readonly ending: Ending
  readonly run: (peer: RawPeer) => void | Promise<void>
}

function metadataMessage(header: Record<string, number>, data = Buffer.alloc(0)): Buffer {
  return Buffer.concat([encodeBencode(header), data])
}

/** Asks for nothing before the handshake is through. */
async function unchoked(peer: RawPeer): Promise<void> {
  peer.greet()
  peer.extendedHandshake({ ut_metadata: 3, lt_donthave: 7 })
  peer.send(FAST.haveNone)
  peer.send(ID.interested)
  await peer.message(({ id }) => id === ID.unchoke)
}

const ATTACKS: readonly Attack[] = [
  {
    name: 'an extension message with an empty body',
    ending: 'borne',
    run: (peer) => {
      peer.greet()
      for (let id = 0; id < 8; id++) peer.extended(id)
    }
  },
  {
    name: 'a metadata request before the extension handshake',
    ending: 'borne',
    run: (peer) => {
      peer.greet()
      for (let id = 1; id < 8; id++) peer.extended(id, metadataMessage({ msg_type: 0, piece: 0 }))
    }
  },
  {
    name: 'metadata nobody asked for, and pieces of it out of range',
    ending: 'borne',
    run: async (peer) => {
      await unchoked(peer)
      for (const piece of [0, 1, -1, 2 ** 31, 2 ** 40]) {
        const header = { msg_type: 1, piece, total_size: 2 ** 31 }
        for (let id = 1; id < 8; id++) peer.extended(id, metadataMessage(header, randomBytes(100)))
        for (let id = 1; id < 8; id++) peer.extended(id, metadataMessage({ msg_type: 0, piece }))
      }
    }
  },
  {
    name: 'an extension handshake that is no dictionary, and one that nests without end',
    ending: 'borne',
    run: (peer) => {
      peer.greet()
      peer.extended(0, Buffer.from('i5e'))
      peer.extended(0, Buffer.from('l'.repeat(100_000)))
      peer.extended(0, encodeBencode({ m: { ut_metadata: -1, ut_pex: 'x', __proto__: 3 } }))
      peer.extended(0, encodeBencode({ m: [1, 2], metadata_size: -5, reqq: -1 }))
    }
  },
  {
    name: 'a request of length 0',
    ending: 'disconnected',
    run: async (peer) => {
      await unchoked(peer)
      peer.request(0, 0, 0)
    }
  },
  {
    name: 'a request beyond the end of a piece',
    ending: 'disconnected',
    run: async (peer) => {
      await unchoked(peer)
      peer.request(0, PIECE - 10, BLOCK)
    }
  },
  {
    name: 'a request for a piece that does not exist',
    ending: 'disconnected',
    run: async (peer) => {
      await unchoked(peer)
      peer.request(0xffff_fff0, 0, BLOCK)
    }
  },
  {
    name: 'a request of more than 128 KiB',
    ending: 'disconnected',
    run: async (peer) => {
      await unchoked(peer)
      peer.request(0, 0, 0x7fff_ffff)
    }
  },
  {
    name: 'a length prefix of 2 GiB',
    ending: 'disconnected',
    run: (peer) => {
      peer.greet()
      peer.socket.write(Buffer.concat([u32(0x7fff_ffff), randomBytes(1000)]))
    }
  },
  {
    name: 'a length prefix of 4 GiB',
    ending: 'disconnected',
    run: (peer) => {
      peer.greet()
      peer.socket.write(Buffer.concat([u32(0xffff_ffff), randomBytes(1000)]))
    }
  },
  {
    name: '96 bytes of anything',
    ending: 'disconnected',
    run: (peer) => void peer.socket.write(Buffer.alloc(96, 0xab))
  },
  {
    name: 'HAVE of pieces that do not exist',
    ending: 'disconnected',
    run: async (peer) => {
      await unchoked(peer)
      peer.send(ID.have, u32(0xffff_ffff))
    }
  },
  {
    name: 'a bitfield of a wrong length',
    ending: 'disconnected',
    run: async (peer) => {
      peer.greet()
      peer.extendedHandshake({})
      await peer.message(({ id }) => id === FAST.haveAll || id === ID.bitfield)
      peer.send(ID.bitfield, Buffer.alloc(100_000, 0xff))
    }
  },
  {
    name: 'blocks nobody asked for',
    ending: 'borne',
    run: async (peer) => {
      await unchoked(peer)
      for (let index = 0; index < 200; index++) {
        peer.send(ID.piece, u32(index), u32(0), randomBytes(100))
      }
    }
  },
  {
    name: 'messages cut short and of unknown kinds',
    ending: 'borne',
    run: async (peer) => {
      await unchoked(peer)
      for (let id = 0; id < 256; id++) if (id !== ID.have && id !== ID.bitfield) peer.send(id)
    }
  },
  {
    name: 'requests without ever reading',
    ending: 'disconnected',
    run: async (peer) => {
      await unchoked(peer)
      peer.socket.pause()
      const body = [u32(0), u32(0), u32(BLOCK)]
      for (let count = 0; count < 20_000; count++) peer.send(ID.request, ...body)
      peer.socket.resume()
    }
  }
]

/** Runs every attack against one engine that shares one torrent. */
export async function hostileSuite(engine: SwarmConfig['engine']): Promise<void> {
  const said: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => void said.push(line) })
  const swarm = await createSwarm(
    { engine, wireHost: '127.0.0.1', wirePort: 0, workers: 1 },
    { log }
  )
  t.teardown(() => swarm.close())
  const content = makeContent('under attack', 9)
  const folder = await makeFolder(content, join(testFolder(t), 'full'), { full: true })
  swarm.join(folder.torrent(NOTHING))
  const port = swarm.ports[0] ?? 0

  for (const { name, ending, run } of ATTACKS) {
    t.test(`${name}: ${ending}, and the next peer is served`, async (t) => {
      const peer = await dial(port, content.infoHash)
      await run(peer)
      if (ending === 'disconnected') await peer.closed
      const bytes = await fetchBlock(port, content)
      t.ok(bytes.equals(pieceOf(content, 0).subarray(0, BLOCK)))
      await peer.end()
      t.same(said, [], 'no thread ended')
    })
  }

  t.test('hostile answers to a discovery end nothing and are not believed', async (t) => {
    await refuseLies(t, swarm)
    t.ok((await fetchBlock(port, content)).equals(pieceOf(content, 0).subarray(0, BLOCK)))
    t.same(said, [], 'no thread ended')
  })

  t.test('an evicted piece is taken back, then rejected', async (t) => {
    const peer = await dial(port, content.infoHash)
    await unchoked(peer)
    await swarm.evict(content.infoHash, 4, 5)
    folder.bits.clear(4)
    const gone = await peer.message(({ id, body }) => id === 20 && body[0] === 7)
    t.equal(gone.body.readUInt32BE(1), 4, 'BEP 54')
    peer.request(4, 0, BLOCK)
    const { body } = await peer.message(({ id }) => id === FAST.reject)
    t.equal(body.readUInt32BE(0), 4, 'BEP 6')
    await peer.end()
  })

  t.test('a peer without BEP 6 that asks for a missing piece is disconnected', async (t) => {
    const peer = await dial(port, content.infoHash)
    peer.greet({ fast: false })
    peer.send(ID.interested)
    await peer.message(({ id }) => id === ID.unchoke)
    peer.request(4, 0, BLOCK)
    await peer.closed
    t.notOk(peer.received.some(({ id }) => id === ID.piece || id === FAST.reject))
  })

  t.test('a claim that is wrong is rejected and never sent', async (t) => {
    const wrong = makeContent('wrong claim', 3)
    const dir = await makeFolder(wrong, join(testFolder(t), 'wrong'), { full: false })
    for (const index of [0, 1, 2]) dir.bits.claim(index)
    const events = listen(swarm, wrong.infoHash)
    swarm.join(dir.torrent(NOTHING))
    const peer = await dial(port, wrong.infoHash)
    await unchoked(peer)
    peer.request(1, 0, BLOCK)
    await peer.message(({ id }) => id === FAST.reject)
    await events.first(failure('disk'))
    t.notOk(peer.received.some(({ id }) => id === ID.piece))
    await peer.end()
  })
}

/** A whole block by an honest peer. */
async function fetchBlock(port: number, { infoHash }: Content): Promise<Buffer> {
  const peer = await dial(port, infoHash)
  await unchoked(peer)
  peer.request(0, 0, BLOCK)
  const { body } = await peer.message(({ id }) => id === ID.piece)
  await peer.end()
  return body.subarray(8)
}

/** Peers that claim sizes, send pieces out of turn, and finish with wrong bytes. */
async function refuseLies(t: { ok(value: unknown, name: string): unknown }, swarm: Swarm) {
  const { infoHash } = makeContent('secret', 1)
  let lied = false
  const liar = await listenRaw(infoHash, (peer) => {
    peer.greet()
    peer.extendedHandshake({ ut_metadata: 3 }, { metadata_size: 100 })
    void peer
      .message(({ id, body }) => id === 20 && body[0] === 3)
      .then(async () => {
        const ours = peer.received.find(({ id, body }) => id === 20 && body[0] === 0)
        const match = /11:ut_metadatai(\d+)e/.exec(ours?.body.toString('latin1') ?? '')
        const id = Number(match?.[1])
        peer.extended(
          id,
          metadataMessage({ msg_type: 1, piece: 7, total_size: 100 }, randomBytes(9))
        )
        peer.extended(
          id,
          metadataMessage({ msg_type: 1, piece: 0, total_size: 100 }, randomBytes(100))
        )
        peer.extended(
          id,
          metadataMessage({ msg_type: 1, piece: 1, total_size: 100 }, randomBytes(100))
        )
        await peer.closed
        lied = true
        stop.abort(new Error('over'))
      })
      .catch(() => {})
  })
  const stop = new AbortController()
  const peers = [{ host: '127.0.0.1', port: liar.port, class: 'stranger' as const }]
  const outcome = await swarm.discover(infoHash, peers, stop.signal).catch((err: Error) => err)
  await liar.close()
  t.ok(outcome instanceof Error && lied, 'the liar was disconnected, nothing was learned')
}
