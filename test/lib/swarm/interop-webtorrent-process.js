/**
 * A stock webtorrent client that is told what to fetch and seed, one JSON object a line.
 *
 * Each line has `folder` and either `magnet` or `torrent`, the base64 of a .torrent file. Plain
 * JavaScript, as our declarations of the package describe only what the engine uses of it.
 *
 * `secure: 0`: with its default, 1, it opens every TCP connection with the encrypted handshake and
 * never falls back (lib/peer.js 119), so it reaches nobody who speaks the plain wire alone.
 */
import { createInterface } from 'node:readline'
import WebTorrent from 'webtorrent'

const client = new WebTorrent({
  secure: 0,
  dht: false,
  lsd: false,
  natUpnp: false,
  natPmp: false,
  utp: false
})
client.on('error', (err) => process.stdout.write(`${err.message}\n`))

for await (const line of createInterface({ input: process.stdin })) {
  const { magnet, torrent, folder } = JSON.parse(line)
  client.add(magnet ?? Buffer.from(torrent, 'base64'), { path: folder })
}
process.exit(0)
