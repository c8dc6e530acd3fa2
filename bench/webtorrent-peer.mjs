/**
 * webtorrent in Node.js as a peer to be compared with; its default settings, TCP only.
 *
 *   webtorrent-peer.mjs seed TORRENT FOLDER          prints {"port"} once it seeds
 *   webtorrent-peer.mjs leech TORRENT FOLDER PEER    prints {}; a line on its input starts it,
 *                                                    {"seconds"} says how long it took
 *
 * Seconds run from adding the torrent until every piece is verified and written.
 */
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import WebTorrent from 'webtorrent'

const OFF = { dht: false, lsd: false, tracker: false, natUpnp: false, natPmp: false, utp: false }
const [, , role, torrent, folder, peer] = process.argv
const metainfo = await readFile(torrent)
const client = new WebTorrent(OFF)

if (role === 'seed') {
  const added = client.add(metainfo, { path: folder })
  added.once('done', () => print({ port: client.torrentPort }))
} else {
  print({})
  createInterface({ input: process.stdin }).once('line', leech)
}

function leech() {
  const began = performance.now()
  const added = client.add(metainfo, { path: folder })
  added.once('infoHash', () => added.addPeer(peer))
  added.once('done', () => print({ seconds: (performance.now() - began) / 1000 }))
}

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
