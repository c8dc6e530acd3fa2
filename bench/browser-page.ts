/** The page that benches open in Chromium: stock webtorrent, and a data channel with nothing on it. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BenchOwner } from './owner.ts'

const SCRIPT = new URL('../node_modules/webtorrent/dist/webtorrent.min.js', import.meta.url)
const LIMIT_MS = 60_000

/**
 * What the page can do; nothing else runs in it.
 *
 * `leech(torrent, announce)`: `connectMs` from the announce that carries its offers (seen on the
 * WebSocket) to the wire that comes of one, and `seconds` from there to the last verified piece.
 * `offer()`, then `drain(answer, bytes)`: takes bytes from a channel and throws them away; `seconds`
 * from its opening to the last one.
 */
const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
import WebTorrent from '/webtorrent.min.js'
let offeredAt
const send = WebSocket.prototype.send
WebSocket.prototype.send = function (message) {
  if (/"offers":\\[\\{/.test(message)) offeredAt ??= performance.now()
  return send.call(this, message)
}
const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } })
window.leech = (file, announce) => new Promise((resolve, reject) => {
  client.on('error', reject)
  const torrent = client.add(Uint8Array.from(file), { announce: [announce] })
  let wiredAt
  torrent.once('wire', () => { wiredAt = performance.now() })
  torrent.once('done', () => resolve({
    connectMs: wiredAt - offeredAt,
    seconds: (performance.now() - wiredAt) / 1000
  }))
  setTimeout(() => reject(new Error(wiredAt ? 'stalled' : 'not connected')), ${LIMIT_MS})
})
let bare
window.offer = async () => {
  bare = new RTCPeerConnection({ iceServers: [] })
  bare.channel = bare.createDataChannel('bare')
  bare.channel.binaryType = 'arraybuffer'
  const gathered = new Promise((resolve) => {
    bare.onicegatheringstatechange = () => bare.iceGatheringState === 'complete' && resolve()
  })
  await bare.setLocalDescription()
  await gathered
  return bare.localDescription.sdp
}
window.drain = (sdp, bytes) => new Promise((resolve, reject) => {
  let openedAt
  let left = bytes
  bare.channel.onopen = () => { openedAt = performance.now() }
  bare.channel.onmessage = ({ data }) => {
    left -= data.byteLength
    if (left <= 0) resolve({ seconds: (performance.now() - openedAt) / 1000 })
  }
  setTimeout(() => reject(new Error('the bare channel stalled')), ${LIMIT_MS})
  bare.setRemoteDescription({ type: 'answer', sdp }).catch(reject)
})
window.ready = true
</script>`

/** Serves the page until the owner ends; returns its URL. It is ready once `window.ready` is set. */
export async function servePage(owner: BenchOwner): Promise<string> {
  const script = await readFile(SCRIPT)
  const server = createServer((request, response) => {
    const isScript = request.url === '/webtorrent.min.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : PAGE)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  owner.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
