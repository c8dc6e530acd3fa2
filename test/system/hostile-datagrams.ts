/** Datagrams (BEP 15) that are short, wrong or forged. */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import type { Test } from 'tap'
import { announceDatagram, header, openUdpPeer } from '../tracker/announce/udp-peer.ts'

type Make = (id: Buffer, infoHash: string) => Buffer

/** Each is made with a connection id that is valid, or that somebody made up. */
export const DATAGRAMS: readonly Make[] = [
  () => Buffer.alloc(0),
  () => randomBytes(7),
  () => randomBytes(16),
  () => randomBytes(1400),
  (id) => header(id, 1, 1),
  (id) => header(id, 2, 1),
  (id) => header(id, 0xffff_ffff, 1),
  (id) => Buffer.concat([header(id, 2, 1), randomBytes(7)]),
  (id) => Buffer.concat([header(id, 2, 1), randomBytes(20 * 70)]),
  (id, infoHash) => announceDatagram(id, { infoHash, port: 0 }),
  (id, infoHash) => announceDatagram(id, { infoHash, port: 9, event: 0xffff_ffff }),
  (id, infoHash) => announceDatagram(id, { infoHash, port: 9, left: 2n ** 64n - 1n, numwant: -9 }),
  (id, infoHash) =>
    announceDatagram(id, { infoHash, port: 9, options: Buffer.from([2, 255, 1, 2, 0, 9]) }),
  (id, infoHash) => announceDatagram(id, { infoHash, port: 9 }).subarray(0, 97)
]

/** Sends all of them, with a valid id and with the well-known constant; returns how many. */
export async function sendDatagrams(t: Test, port: number, infoHash: string): Promise<number> {
  const peer = await openUdpPeer(t, port)
  const valid = await peer.connect()
  const constant = Buffer.from('0000041727101980', 'hex')
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  for (const make of DATAGRAMS) {
    for (const id of [valid, constant, randomBytes(8)]) {
      const message = make(id, infoHash)
      await new Promise((resolve) => socket.send(message, port, '127.0.0.1', resolve))
    }
  }
  await peer.connect()
  return DATAGRAMS.length
}
