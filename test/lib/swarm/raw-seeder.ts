/** A raw peer that has a whole torrent and answers requests, rightly or wrongly. */
import { FAST, ID, listenRaw, type RawPeer, u32 } from './raw-peer.ts'
import type { Content } from './torrent-folder.ts'
import { PIECE } from './torrent-folder.ts'

/** Answers every request of `peer`; `block` may change what is sent. */
export function serve(
  peer: RawPeer,
  content: Content,
  block: (index: number, bytes: Buffer) => Buffer | undefined
): void {
  let answered = 0
  peer.greet()
  peer.send(FAST.haveAll)
  peer.send(ID.unchoke)
  peer.socket.on('data', () => {
    const requests = peer.received.filter(({ id }) => id === ID.request)
    for (const { body } of requests.slice(answered)) {
      answered++
      const [index, offset, length] = [
        body.readUInt32BE(0),
        body.readUInt32BE(4),
        body.readUInt32BE(8)
      ]
      const start = index * PIECE + offset
      const bytes = block(index, content.bytes.subarray(start, start + length))
      if (bytes !== undefined) peer.send(ID.piece, u32(index), u32(offset), bytes)
    }
  })
}

/** A seeder on a port of its own. */
export function rawSeeder(
  content: Content,
  block: (index: number, bytes: Buffer) => Buffer | undefined = (_, bytes) => bytes
) {
  return listenRaw(content.infoHash, (peer) => serve(peer, content, block))
}
