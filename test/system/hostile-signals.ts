/** WebSocket messages that ended bittorrent-tracker's server, or that act for somebody else. */
import { once } from 'node:events'
import type { Test } from 'tap'

type Json = Readonly<Record<string, unknown>>

function messages(infoHash: string): readonly (string | Uint8Array)[] {
  const info_hash = Buffer.from(infoHash, 'hex').toString('latin1')
  const peer_id = '-WW0001-000000000001'
  const announce: Json = { action: 'announce', info_hash, peer_id, numwant: 1, left: 1 }
  const wrong: readonly Json[] = [
    { ...announce, offers: [null] },
    { ...announce, offers: [{ offer: null, offer_id: null }] },
    { ...announce, offers: 'x' },
    { ...announce, offers: Array.from({ length: 5000 }, () => ({ offer: {}, offer_id: 'x' })) },
    { ...announce, peer_id: '-WW0001-000000000002', event: 'stopped' },
    { ...announce, answer: null, to_peer_id: peer_id, offer_id: 5 },
    { ...announce, answer: { sdp: 1 }, to_peer_id: {}, offer_id: 'x' },
    { ...announce, info_hash: null },
    { ...announce, peer_id: ['x'], event: { x: 1 } },
    { action: 'scrape' },
    { action: 'scrape', info_hash: [null, 1, 'x'] },
    { action: '__proto__' }
  ]
  const texts = ['', '{', 'null', '[]', '"x"', '{"action":"announce"}', '\u0000']
  return [...texts, ...wrong.map((message) => JSON.stringify(message)), Buffer.alloc(3000, 0xff)]
}

/** Sends each on a connection of its own, while another peer is in the swarm with an offer. */
export async function sendSignals(t: Test, url: string, infoHash: string): Promise<void> {
  const honest = await open(t, url)
  const info_hash = Buffer.from(infoHash, 'hex').toString('latin1')
  const offer = { offer: { type: 'offer', sdp: 'x' }, offer_id: '12345678901234567890' }
  const announce = { action: 'announce', info_hash, peer_id: '-WW0001-000000000003', left: 1 }
  honest.send(JSON.stringify({ ...announce, numwant: 1, offers: [offer] }))
  await once(honest, 'message')

  for (const message of messages(infoHash)) {
    const socket = await open(t, url)
    socket.send(message)
    await settled(socket)
  }
  const huge = await open(t, url)
  huge.send('x'.repeat(8 * 2 ** 20))
  await once(huge, 'close')

  const answered = once(honest, 'message')
  honest.send(JSON.stringify({ action: 'scrape', info_hash }))
  await answered
}

async function open(t: Test, url: string): Promise<WebSocket> {
  const socket = new WebSocket(url)
  socket.addEventListener('error', () => {})
  t.teardown(() => socket.close())
  await once(socket, 'open')
  return socket
}

/** Messages are handled in order: the close that follows one comes back after it. */
async function settled(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return
  const closed = once(socket, 'close')
  socket.close()
  await closed
}
