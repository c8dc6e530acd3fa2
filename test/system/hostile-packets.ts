/** What one peer sends that ended or flooded webtorrent as it comes. */
import { randomBytes } from 'node:crypto'
import { encodeBencode } from '../../core/bencode.ts'
import { FAST, ID, type RawPeer, u32 } from '../lib/swarm/raw-peer.ts'

export interface Packet {
  readonly run: (peer: RawPeer) => void | Promise<void>
  /** The other side must end the connection. */
  readonly closes: boolean
}

const BLOCK = 16 * 1024

function metadata(header: Record<string, number>, data: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([encodeBencode(header), data])
}

async function unchoked(peer: RawPeer): Promise<void> {
  peer.greet()
  peer.extendedHandshake({ ut_metadata: 3 })
  peer.send(FAST.haveNone)
  peer.send(ID.interested)
  await peer.message(({ id }) => id === ID.unchoke)
}

export const PACKETS: readonly Packet[] = [
  {
    closes: false,
    run: (peer) => {
      peer.greet()
      for (let id = 0; id < 6; id++) peer.extended(id)
      for (let id = 0; id < 6; id++) peer.extended(id, Buffer.from('d3:xee'))
    }
  },
  {
    closes: false,
    run: (peer) => {
      peer.greet()
      for (let id = 1; id < 6; id++) peer.extended(id, metadata({ msg_type: 0, piece: 0 }))
    }
  },
  {
    closes: false,
    run: async (peer) => {
      await unchoked(peer)
      for (const piece of [0, 99, -1, 2 ** 40]) {
        const header = { msg_type: 1, piece, total_size: 2 ** 31 }
        for (let id = 1; id < 6; id++) peer.extended(id, metadata(header, randomBytes(50)))
      }
    }
  },
  { closes: true, run: (peer) => unchoked(peer).then(() => peer.request(0, 0, 0)) },
  { closes: true, run: (peer) => unchoked(peer).then(() => peer.request(2 ** 32 - 1, 0, BLOCK)) },
  { closes: true, run: (peer) => unchoked(peer).then(() => peer.request(0, 0, 2 ** 31)) },
  {
    // Never reads. Whether and when it is cut off is a matter of timing; others are served.
    closes: false,
    run: async (peer) => {
      await unchoked(peer)
      peer.socket.pause()
      for (let count = 0; count < 20_000; count++) peer.request(0, 0, BLOCK)
    }
  },
  {
    closes: true,
    run: (peer) => {
      peer.greet()
      peer.socket.write(Buffer.concat([u32(2 ** 31), randomBytes(1000)]))
    }
  },
  { closes: true, run: (peer) => void peer.socket.write(randomBytes(96)) },
  {
    closes: false,
    run: (peer) => {
      peer.greet()
      peer.extended(0, Buffer.from('l'.repeat(100_000)))
      peer.extended(0, encodeBencode({ m: [1], metadata_size: -5, reqq: -1 }))
    }
  },
  {
    closes: false,
    run: async (peer) => {
      await unchoked(peer)
      for (let id = 0; id < 256; id++) if (id !== ID.have && id !== ID.bitfield) peer.send(id)
    }
  }
]

/** A block by a peer that means well: what was sent to the same thread before has been handled. */
export async function fetchBlock(peer: RawPeer): Promise<Buffer> {
  await unchoked(peer)
  peer.request(0, 0, BLOCK)
  const { body } = await peer.message(({ id }) => id === ID.piece)
  return body.subarray(8)
}
