/** Requests that ended bittorrent-tracker's server and webtorrent's, or that no server expects. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

const ANNOUNCE = '/announce?info_hash=HASH&peer_id=-XX0001-000000000001'

/** Targets for the tracker; HASH is the percent-encoded infohash. */
export const ANNOUNCES: readonly string[] = [
  `${ANNOUNCE}&port=1.5&compact=1`,
  `${ANNOUNCE}&port=1.5&compact=1&left=0`,
  `${ANNOUNCE}&port=1&left=1&socket=x`,
  `${ANNOUNCE}&port=1&left=1&socket=x&event=stopped`,
  `${ANNOUNCE}&port=99999&left=-1&numwant=-5&ip=no`,
  `${ANNOUNCE}&port=1&left=1e999&numwant=1e999&event=paused&type=x&action=x&addr=x`,
  `${ANNOUNCE}&port=1&port=2&info_hash=HASH&peer_id=x`,
  '/announce',
  '/announce?info_hash=%E0%A4%A&peer_id=%',
  '/announce?__proto__=x&constructor=y&info_hash[]=z',
  '/scrape',
  '/scrape?info_hash=HASH&info_hash=x',
  `/scrape?${'info_hash=HASH&'.repeat(100)}`,
  '/stats',
  '/stats.json',
  '/%E0%A4%A',
  '//'
]

/** Request lines for the gateway, some with more than a line; HASH is the infohash. */
export const BAD_TARGETS: readonly string[] = [
  'GET /%E0%A4%A HTTP/1.1\r\n',
  'GET // HTTP/1.1\r\n',
  'GET //HASH/movie.mp4 HTTP/1.1\r\n',
  'GET /%00 HTTP/1.1\r\n',
  'GET /HASH/%00 HTTP/1.1\r\n',
  'GET /HASH/%E0%A4%A HTTP/1.1\r\n',
  'GET /HASH/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n',
  'GET /HASH/../../etc/passwd HTTP/1.1\r\n',
  'GET /HASH//movie.mp4 HTTP/1.1\r\n',
  'GET /HASH/movie.mp4%2F.. HTTP/1.1\r\n',
  'GET /HASH/__proto__ HTTP/1.1\r\n',
  'GET /__proto__/constructor HTTP/1.1\r\n',
  `GET /${'a'.repeat(64 * 1024)} HTTP/1.1\r\n`,
  `GET /HASH/${'%61'.repeat(4000)} HTTP/1.1\r\n`,
  `GET /HASH/${'/'.repeat(8000)} HTTP/1.1\r\n`,
  'GET http://[/HASH/nothing HTTP/1.1\r\n',
  'GET HASH HTTP/1.1\r\n',
  'GET /v1/torrents/%E0%A4%A HTTP/1.1\r\n',
  'PUT /v1/files/%E0%A4%A HTTP/1.1\r\nContent-Length: 0\r\n',
  'PUT /v1/files/x HTTP/1.1\r\nContent-Length: -1\r\n',
  'PUT /v1/files/x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n',
  'GET /HASH/movie.mp4 HTTP/1.1\r\nno colon\r\n',
  `GET /HASH/movie.mp4 HTTP/1.1\r\nX: ${'y'.repeat(64 * 1024)}\r\n`,
  'PROPFIND /HASH/movie.mp4 HTTP/1.1\r\n',
  '\0\x01\x02\x03 \xff\xfe\r\n'
]

/** Sends a head as it stands, with Host and these headers, and resolves with all that comes. */
export async function rawRequest(
  base: string,
  head: string,
  headers: Readonly<Record<string, string>>
): Promise<string> {
  const { hostname, port, host } = new URL(base)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await once(socket, 'connect')
  const lines = Object.entries({ Host: host, Connection: 'close', ...headers })
  const rest = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(Buffer.from(`${head}${rest}\r\n`, 'latin1'))
  return text(socket)
}
