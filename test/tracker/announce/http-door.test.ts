import t from 'tap'
import { decodeBencode } from '../../../core/bencode.ts'
import { announceHttp, bytes, compactPeers, dict, get, percent } from './http-peer.ts'
import { hashOf, openTracker } from './tracker-fixture.ts'

const infoHash = hashOf(1)
const HASH = percent(Buffer.from(infoHash, 'hex'))
const text = (value: Parameters<typeof bytes>[0]) => bytes(value).toString()

t.test('two peers find each other, compactly', async (t) => {
  const { port } = await openTracker(t, { intervalMs: 600_000, minIntervalMs: 30_000 })
  const first = await announceHttp(port, { infoHash, port: 7001, left: 0, event: 'started' })
  t.equal(first.get('complete'), 1)
  t.equal(first.get('incomplete'), 0)
  t.equal(first.get('interval'), 600)
  t.equal(first.get('min interval'), 30)
  t.same(compactPeers(first.get('peers')), [])
  const second = await announceHttp(port, { infoHash, port: 7002, event: 'started' })
  t.same(compactPeers(second.get('peers')), ['127.0.0.1:7001'])
  t.equal(second.get('incomplete'), 1)
  t.notOk(second.has('peers6'))
  t.notOk(second.has('action'), 'no inner notes of the shell')
})

t.test('a client is told its address, and cannot claim another', async (t) => {
  const { port } = await openTracker(t)
  const extra = '&ip=1.2.3.4&ipv6=2001:db8::1'
  const first = await announceHttp(port, { infoHash, port: 7001, extra })
  t.same([...bytes(first.get('external ip'))], [127, 0, 0, 1])
  const second = await announceHttp(port, { infoHash, port: 7002 })
  t.same(compactPeers(second.get('peers')), ['127.0.0.1:7001'])
})

t.test('the address is that of the connection, whatever X-Forwarded-For says', async (t) => {
  const { port } = await openTracker(t)
  const path = `/announce?info_hash=${HASH}&peer_id=${'x'.repeat(20)}&port=7001&left=1`
  for (const forwarded of ['8.8.8.8', 'bogus', '::::', ',', 'a'.repeat(4000)]) {
    const { body } = await get(port, path, { headers: { 'X-Forwarded-For': forwarded } })
    t.same([...bytes(dict(decodeBencode(body)).get('external ip'))], [127, 0, 0, 1])
  }
})

t.test('peers of one port on different addresses are different peers', async (t) => {
  const { port } = await openTracker(t)
  await announceHttp(port, { infoHash, port: 7001 }, { localAddress: '127.0.0.2' })
  const answer = await announceHttp(port, { infoHash, port: 7001 })
  t.same(compactPeers(answer.get('peers')), ['127.0.0.2:7001'])
  t.equal(answer.get('incomplete'), 2)
})

t.test('numwant bounds the answer, zero included', async (t) => {
  const { port } = await openTracker(t)
  for (const peer of [7001, 7002, 7003]) await announceHttp(port, { infoHash, port: peer })
  for (const [numwant, count] of [
    [0, 0],
    [2, 2],
    [50, 3]
  ] as const) {
    const answer = await announceHttp(port, { infoHash, port: 7009, extra: `&numwant=${numwant}` })
    t.equal(compactPeers(answer.get('peers')).length, count)
  }
})

t.test('compact=0 is answered compactly too (BEP 23)', async (t) => {
  const { port } = await openTracker(t)
  await announceHttp(port, { infoHash, port: 7001 })
  const path = `/announce?info_hash=${HASH}&peer_id=${'x'.repeat(20)}&port=7002&compact=0`
  const { body } = await get(port, path)
  t.same(compactPeers(dict(decodeBencode(body)).get('peers')), ['127.0.0.1:7001'])
})

t.test('completed and stopped are seen in the scrape', async (t) => {
  const { port } = await openTracker(t)
  const counts = async () => {
    const { body, headers } = await get(port, `/scrape?info_hash=${HASH}`)
    t.match(headers, { 'content-type': 'text/plain', 'cache-control': 'no-store' })
    const file = dict(dict(dict(decodeBencode(body)).get('files')).get(bytesKey(infoHash)))
    return [file.get('complete'), file.get('downloaded'), file.get('incomplete')]
  }
  t.same(await counts(), [0, 0, 0])
  await announceHttp(port, { infoHash, port: 7001, event: 'started' })
  t.same(await counts(), [0, 0, 1])
  await announceHttp(port, { infoHash, port: 7001, left: 0, event: 'completed' })
  t.same(await counts(), [1, 1, 0])
  await announceHttp(port, { infoHash, port: 7001, left: 0, event: 'stopped' })
  t.same(await counts(), [0, 1, 0])
})

t.test('a scrape of several torrents keys them by their raw bytes, in order', async (t) => {
  const { port } = await openTracker(t)
  const hashes = ['ff'.repeat(20), '00'.repeat(20), '7f'.repeat(20)]
  const query = hashes.map((hash) => `info_hash=${percent(Buffer.from(hash, 'hex'))}`).join('&')
  const { body } = await get(port, `/scrape?${query}`)
  const files = dict(dict(decodeBencode(body)).get('files'))
  t.same([...files.keys()], [...hashes].sort().map(bytesKey))
})

t.test('there is no full scrape', async (t) => {
  const { port } = await openTracker(t)
  const { status, body } = await get(port, '/scrape')
  t.equal(status, 200)
  t.match(text(dict(decodeBencode(body)).get('failure reason')), /no full scrape/)
})

t.test(
  'what is not published here is refused with the reason, and when to come back',
  async (t) => {
    const { port, metric } = await openTracker(t, {}, { approve: async () => false })
    const answer = await announceHttp(port, { infoHash, port: 7001 })
    t.equal(text(answer.get('failure reason')), 'not published here')
    t.equal(answer.get('retry in'), 30)
    t.notOk(answer.has('peers'))
    t.equal(await metric('swarmgate_tracker_swarms'), 'swarmgate_tracker_swarms 0')
  }
)

t.test('a catalogue that fails is not the client’s fault', async (t) => {
  const approve = async () => Promise.reject(new Error('down'))
  const { port, complaints } = await openTracker(t, {}, { approve })
  const answer = await announceHttp(port, { infoHash, port: 7001 })
  t.match(text(answer.get('failure reason')), /cannot tell now/)
  t.same(complaints, ['asking for approval of an announce failed'])
})

t.test('a malformed announce is told what is wrong with it', async (t) => {
  const { port } = await openTracker(t)
  const { status, body } = await get(port, `/announce?info_hash=${HASH}&peer_id=x&port=1`)
  t.equal(status, 200)
  t.equal(body.toString(), 'd14:failure reason24:peer_id must be 20 bytese')
})

t.test('other paths are not ours, other methods are not allowed', async (t) => {
  const { port } = await openTracker(t)
  for (const path of ['/', '/stats', '/stats.json', '/announce/x']) {
    t.equal((await get(port, path)).status, 404, path)
  }
  const { status, headers } = await get(port, '/announce', { method: 'POST' })
  t.equal(status, 405)
  t.equal(headers.allow, 'GET, HEAD')
  t.equal((await get(port, '/scrape', { method: 'HEAD' })).body.length, 0)
})

function bytesKey(hex: string): string {
  return Buffer.from(hex, 'hex').toString('latin1')
}
