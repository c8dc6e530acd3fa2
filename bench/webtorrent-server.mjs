/**
 * webtorrent's own HTTP server, as the torrent gateway to be compared with: a seeding process and
 * a process that fetches from it and serves HTTP. Run by the bench as a child process:
 *
 *   webtorrent-server.mjs seed FILE…            prints {"port", "torrents": [base64 …]}
 *   webtorrent-server.mjs serve FOLDER          prints {"url"}; reads lines {"torrent", "peer"}
 *
 * A served torrent answers with a line {"path"}.
 */
import { createInterface } from 'node:readline'
import WebTorrent from 'webtorrent'

const OPTIONS = {
  dht: false,
  lsd: false,
  tracker: false,
  natUpnp: false,
  natPmp: false,
  utp: false
}
const [, , command, ...args] = process.argv

if (command === 'seed') seed(args)
else serve(args[0])

function seed(files) {
  const client = new WebTorrent(OPTIONS)
  const torrents = []
  let ready = 0
  for (const [index, file] of files.entries()) {
    client.seed(file, { announce: [], announceList: [] }, (torrent) => {
      torrents[index] = Buffer.from(torrent.torrentFile).toString('base64')
      if (++ready === files.length) print({ port: client.torrentPort, torrents })
    })
  }
}

function serve(path) {
  const client = new WebTorrent(OPTIONS)
  const server = client.createServer({ hostname: '127.0.0.1' })
  server.listen(0, '127.0.0.1', () => {
    print({ url: `http://127.0.0.1:${server.address().port}` })
  })
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { torrent, peer } = JSON.parse(line)
    const added = client.add(Buffer.from(torrent, 'base64'), { path, deselect: true })
    added.on('metadata', () => {
      added.addPeer(peer)
      print({ path: added.files[0].streamURL })
    })
  })
}

function print(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
