/** Stock webtorrent in a real Chromium, through our tracker, over the WebRTC process. */
import { createHash, randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { buildTorrentFile } from '../../../../core/torrent-file.ts'
import { startWebRtc } from '../../../../lib/swarm/webrtc/webrtc.ts'
import { silentLog } from '../../../fakes/silent-log.ts'
import { openTracker } from '../../../tracker/announce/tracker-fixture.ts'
import { openWsPeer } from '../../../tracker/announce/ws-peer.ts'
import { FAST, ID, RawPeer, u32 } from '../raw-peer.ts'
import { serve } from '../raw-seeder.ts'
import { type Content, makeContent, PIECE } from '../torrent-folder.ts'
import { openBrowser } from './browser.ts'
import { listenLocal } from './local-wire.ts'

/** A node that announced the content, left to the test what it says on the wire. */
async function openNode(t: Test, content: Content, left: number) {
  const tracker = await openTracker(t)
  const announce = `ws://127.0.0.1:${tracker.port}`
  const token = randomBytes(32)
  const wire = await listenLocal(t, token)
  const webrtc = startWebRtc(
    {
      urls: [announce],
      iceServers: [],
      host: '127.0.0.1',
      advertised: [],
      wirePorts: [wire.port],
      token
    },
    { log: silentLog }
  )
  t.teardown(() => webrtc.close())
  webrtc.announce(content.infoHash, left)
  await isListed(t, tracker.port, content)
  return { announce, wire }
}

/** Browsers send offers when they announce: whoever comes after them waits for their next one. */
async function isListed(t: Test, port: number, { infoHash }: Content): Promise<void> {
  const peer = await openWsPeer(t, port)
  const info_hash = Buffer.from(infoHash, 'hex').toString('latin1')
  for (;;) {
    const { files } = await peer.ask({ action: 'scrape', info_hash })
    const counts = Object.values(files ?? {})[0]
    if (counts.complete + counts.incomplete > 0) break
  }
  peer.close()
}

t.test('Chromium fetches a torrent from us', async (t) => {
  const page = await openBrowser(t)
  if (page === undefined) return
  const content = makeContent('for the browser', 40)
  const { announce, wire } = await openNode(t, content, 0)
  void wire.next().then(async ({ socket }) => {
    const peer = new RawPeer(socket, content.infoHash)
    serve(peer, content, (_, bytes) => bytes)
    // Stock webtorrent may miss an unchoke that comes right behind the handshake.
    await peer.message(({ id }) => id === ID.interested)
    peer.send(ID.unchoke)
  })
  const file = buildTorrentFile(content.metainfo.info, { announce: [], urlList: [] })
  const result = await page.evaluate<{ sha256: string; connectedMs: number }>(
    `leech(${JSON.stringify(file.toString('base64'))}, ${JSON.stringify(announce)})`
  )
  t.equal(result.sha256, createHash('sha256').update(content.bytes).digest('hex'))
  t.comment(`connected ${Math.round(result.connectedMs)} ms after it began`)
})

t.test('we take pieces from a Chromium that has them', async (t) => {
  const page = await openBrowser(t)
  if (page === undefined) return
  const content = makeContent('from the browser', 4)
  const { announce, wire } = await openNode(t, content, content.bytes.length)
  const seed = page.evaluate(
    `seed(...${JSON.stringify([content.bytes.toString('base64'), content.metainfo.name, PIECE, announce])})`
  )
  const { socket } = await wire.next()
  const peer = new RawPeer(socket, content.infoHash)
  peer.greet()
  peer.send(FAST.haveNone)
  await peer.message(({ id }) => id === FAST.haveAll)
  peer.send(ID.interested)
  await peer.message(({ id }) => id === ID.unchoke)
  peer.request(1, 0, 16_384)
  const { body } = await peer.message(({ id }) => id === ID.piece)
  t.same(body.subarray(0, 8), Buffer.concat([u32(1), u32(0)]))
  t.ok(body.subarray(8).equals(content.bytes.subarray(PIECE, PIECE + 16_384)))
  t.equal(await seed, content.infoHash)
})
