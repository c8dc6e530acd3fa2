/** Exchanges over HTTP with servers that answer as trackers do, and as they must not. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import t from 'tap'
import { encodeBencode } from '../../../core/bencode.ts'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import { createHttpTracker } from '../../../lib/swarm/http-tracker.ts'

const QUERY = {
  infoHash: parseInfoHash('00112233445566778899aabbccddeeff01234567') as InfoHash,
  peerId: '-SG0010-abcdefghijkl',
  port: 6881,
  uploaded: 0,
  downloaded: 0,
  left: 0,
  numwant: 50,
  key: 'ab12',
  trackerId: undefined,
  event: undefined
}
const ANSWER = encodeBencode({ interval: 900, peers: Buffer.from([192, 0, 2, 1, 0x1a, 0xe1]) })

async function open(tap: Pick<typeof t, 'teardown'>, answer: RequestListener) {
  const sockets = new Set<unknown>()
  const server = createServer((request, response) => {
    sockets.add(request.socket)
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const tracker = createHttpTracker()
  tap.teardown(async () => {
    await tracker.close()
    server.closeAllConnections()
    server.close()
  })
  return { origin, tracker, sockets }
}

t.test('an answer is read, whatever the pieces it comes in', async (t) => {
  const { origin, tracker } = await open(t, (_, response) => {
    response.write(ANSWER.subarray(0, 9), () => response.end(ANSWER.subarray(9)))
  })
  const answer = await tracker.exchange(`${origin}/announce`, QUERY)
  t.match(answer, {
    status: 'accepted',
    interval: 900,
    peers: [{ host: '192.0.2.1', port: 6881 }]
  })
})

t.test('a query of the announce URL is kept before the parameters', async (t) => {
  const asked: (string | undefined)[] = []
  const { origin, tracker } = await open(t, ({ url }, response) => {
    asked.push(url)
    response.end(ANSWER)
  })
  await tracker.exchange(`${origin}/key/announce?pass=x#part`, QUERY)
  await tracker.exchange(origin, QUERY)
  t.match(asked[0], /^\/key\/announce\?pass=x&info_hash=%00%11/)
  t.match(asked[1], /^\/\?info_hash=%00%11/)
})

t.test('connections are kept for the exchanges that follow', async (t) => {
  const { origin, tracker, sockets } = await open(t, (_, response) => void response.end(ANSWER))
  for (let count = 0; count < 8; count++) await tracker.exchange(`${origin}/announce`, QUERY)
  t.ok(sockets.size <= 2, 'one rests a moment while the other is used')
})

t.test('an answer without a body is malformed', async (t) => {
  const { origin, tracker } = await open(t, (_, response) => void response.writeHead(204).end())
  t.same(await tracker.exchange(`${origin}/announce`, QUERY), { status: 'malformed' })
})

t.test('an answer without an end is given up, and its connection with it', async (t) => {
  const closed = Promise.withResolvers<void>()
  const { origin, tracker } = await open(t, (_, response) => {
    response.on('close', () => closed.resolve())
    const more = () => response.write(Buffer.alloc(2 ** 16, 'x'), (err) => err || more())
    more()
  })
  await t.rejects(tracker.exchange(`${origin}/announce`, QUERY), /too large/)
  await closed.promise
})

t.test('an answer that breaks off is no answer', async (t) => {
  const { origin, tracker } = await open(t, (_, response) => {
    response.writeHead(200, { 'content-length': ANSWER.byteLength })
    response.write(ANSWER.subarray(0, 9), () => response.destroy())
  })
  await t.rejects(tracker.exchange(`${origin}/announce`, QUERY))
})

t.test('a URL that is none, and a server that is not there, reject', async (t) => {
  const { tracker } = await open(t, () => {})
  await t.rejects(tracker.exchange('http://', QUERY))
  await t.rejects(tracker.exchange('http://127.0.0.1:9/announce', QUERY), { code: 'ECONNREFUSED' })
})

t.test('closing ends an exchange that is under way, and those that still wait', async (t) => {
  const asked = Promise.withResolvers<void>()
  const { origin, tracker } = await open(t, () => asked.resolve())
  const exchanges = Array.from({ length: 6 }, () => tracker.exchange(`${origin}/announce`, QUERY))
  const outcomes = Promise.allSettled(exchanges)
  await asked.promise
  await tracker.close()
  for (const { status } of await outcomes) t.equal(status, 'rejected')
  await t.rejects(tracker.exchange(`${origin}/announce`, QUERY))
})
