/** Channels reach the engine through another process, which may die. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Log } from '../../../../lib/process/service.ts'
import { startWebRtc, type WebRtc, type WebRtcConfig } from '../../../../lib/swarm/webrtc/webrtc.ts'
import { silentLog } from '../../../fakes/silent-log.ts'
import { hashOf, openTracker } from '../../../tracker/announce/tracker-fixture.ts'
import { binary, id20 } from '../../../tracker/announce/ws-peer.ts'
import { type ChannelPeer, isAnswer, makeOffer, openChannelPeer } from './channel-peer.ts'
import { type FakeLink, openFakeTracker } from './fake-tracker.ts'
import { type LocalWire, listenLocal } from './local-wire.ts'

interface Node {
  readonly webrtc: WebRtc
  readonly wire: LocalWire
  readonly trackerPort: number
}

const INFO_HASH = hashOf(7)

async function openNode(t: Test, log: Log = silentLog): Promise<Node> {
  const tracker = await openTracker(t)
  const token = randomBytes(32)
  const wire = await listenLocal(t, token)
  const webrtc = startWebRtc(configOf(`ws://127.0.0.1:${tracker.port}`, wire.port, token), { log })
  t.teardown(() => webrtc.close())
  webrtc.announce(INFO_HASH, 1)
  return { webrtc, wire, trackerPort: tracker.port }
}

function configOf(url: string, wirePort: number, token: Uint8Array): WebRtcConfig {
  return {
    urls: [url],
    iceServers: [],
    host: '127.0.0.1',
    advertised: [],
    wirePorts: [wirePort],
    token
  }
}

/** A node whose tracker is the test itself. */
async function openAlone(t: Test, log: Log = silentLog) {
  const tracker = await openFakeTracker(t)
  const token = randomBytes(32)
  const wire = await listenLocal(t, token)
  const webrtc = startWebRtc(configOf(tracker.url, wire.port, token), { log })
  t.teardown(() => webrtc.close())
  webrtc.announce(INFO_HASH, 1)
  return { tracker, webrtc, wire }
}

function offerOf(sdp: unknown, infoHash = INFO_HASH, id = ''): object {
  return {
    action: 'announce',
    info_hash: binary(infoHash),
    peer_id: id20('them'),
    offer_id: id20(id),
    offer: { type: 'offer', sdp }
  }
}

/** Offers a channel over the tracker's own socket, and resolves when it is open. */
async function joinOver(t: Test, link: FakeLink, infoHash = INFO_HASH): Promise<ChannelPeer> {
  const peer = await makeOffer(t)
  link.send(offerOf(peer.sdp, infoHash, 'honest'))
  for (;;) {
    const { offer_id, answer } = await link.next()
    if (offer_id !== id20('honest') || !isAnswer(answer)) continue
    await peer.take(answer.sdp)
    return peer
  }
}

t.test('a channel becomes a connection to the engine that says whose it is', async (t) => {
  const { wire, trackerPort } = await openNode(t)
  const peer = await openChannelPeer(t, trackerPort, INFO_HASH)
  const { socket, remote } = await wire.next()
  t.equal(remote?.host, '127.0.0.1')
  t.ok((remote?.port ?? 0) > 1023, 'and the port it sends from')

  peer.send(Buffer.from('hello'))
  const [bytes] = await once(socket, 'data')
  t.equal(bytes.toString(), 'hello')
  socket.write('there')
  t.equal((await peer.received(5)).toString(), 'there')

  peer.close()
  await once(socket, 'close')
})

t.test('megabytes go through unchanged in both directions at once', async (t) => {
  const { wire, trackerPort } = await openNode(t)
  const peer = await openChannelPeer(t, trackerPort, INFO_HASH)
  const { socket } = await wire.next()
  const down = randomBytes(8 * 1024 * 1024)
  const up = randomBytes(2 * 1024 * 1024)
  socket.write(down)
  const collected = collect(socket, up.length)
  for (let at = 0; at < up.length; at += 16_384) peer.send(up.subarray(at, at + 16_384))
  t.ok(down.equals(await peer.received(down.length)))
  t.ok(up.equals(await collected))
})

t.test('an engine that hangs up ends the channel', async (t) => {
  const { wire, trackerPort } = await openNode(t)
  const peer = await openChannelPeer(t, trackerPort, INFO_HASH)
  const { socket } = await wire.next()
  socket.destroy()
  await peer.closed
})

t.test('a killed process ends its channels only, and its successor answers offers', async (t) => {
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  const { tracker, webrtc, wire } = await openAlone(t, log)
  await joinOver(t, await tracker.link())
  const { socket } = await wire.next()
  const first = webrtc.pid ?? 0
  process.kill(first, 'SIGKILL')
  await once(socket.resume(), 'close')

  const again = await joinOver(t, await tracker.link())
  const { socket: next } = await wire.next()
  t.not(webrtc.pid, first)
  next.write('alive')
  t.equal((await again.received(5)).toString(), 'alive')
  t.match(lines.join(), /"signal":"SIGKILL".*WebRTC process ended; it is started again/)
})

t.test('hostile signalling costs nothing but itself', async (t) => {
  const { tracker, webrtc, wire } = await openAlone(t)
  const link = await tracker.link()
  const pid = webrtc.pid
  const { sdp } = await makeOffer(t)
  const lines = sdp.split('\r\n')
  for (let at = 0; at < lines.length; at += 1) {
    link.send(offerOf(lines.toSpliced(at, 1).join('\r\n')))
    link.send(offerOf(lines.toSpliced(at, 0, '\0'.repeat(100)).join('\r\n')))
  }
  for (const text of ['', 7, null, 'v=0', sdp.repeat(20), 'm='.repeat(8000)]) {
    link.send(offerOf(text))
  }
  // Some of these were offers after all; they have the share of their torrent, not of another.
  await joinOver(t, link, hashOf(8))
  t.equal((await wire.next()).remote?.host, '127.0.0.1')
  t.equal(webrtc.pid, pid)
})

t.test('closing ends the process, also while it is being started again', async (t) => {
  const { webrtc } = await openNode(t)
  const pid = webrtc.pid ?? 0
  await Promise.all([webrtc.close(), webrtc.close()])
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  t.equal(webrtc.pid, undefined)

  const other = await openNode(t)
  process.kill(other.webrtc.pid ?? 0, 'SIGKILL')
  await other.webrtc.close()
  t.equal(other.webrtc.pid, undefined)
})

t.test('without a WebSocket tracker nothing runs', async (t) => {
  const config = configOf('http://127.0.0.1:1/announce', 1, randomBytes(32))
  const webrtc = startWebRtc(config, { log: silentLog })
  webrtc.announce(INFO_HASH, 0)
  webrtc.forget(INFO_HASH)
  t.equal(webrtc.pid, undefined)
  await webrtc.close()
})

function collect(socket: NodeJS.ReadableStream, length: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size >= length) resolve(Buffer.concat(chunks))
    })
  })
}
