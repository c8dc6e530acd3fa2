import { once } from 'node:events'
import { truncate } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { AppError } from '../../../core/errors.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { readUntil } from '../../lib/http/exchange.ts'
import { store, turns, until } from '../../lib/node/node-rig.ts'
import { type ContentOptions, dial, type Gateway, get, openGateway } from './content-rig.ts'

const PIECE = 16384
/** More than the sockets of both ends hold. */
const LARGE = 24 * 2 ** 20
const anyone = () => new AbortController().signal

const problem = (body: Buffer): Record<string, unknown> => JSON.parse(body.toString())

/** Nothing of a response is left: no reader, no memory. */
async function quiet({ counts, files }: Gateway): Promise<void> {
  await until(() => counts.seats === 0 && files.bufferedBytes === 0)
}

async function openCold(t: Test, options: ContentOptions = {}) {
  const gateway = await openGateway(t, options)
  const sample = sampleTorrent({ size: 4 * PIECE, pieceLength: PIECE })
  const { infoHash } = gateway.fleet.publish(sample)
  const path = `${gateway.url}/${infoHash}/sample`
  const deliver = (index: number, from: 'seeder' | 'stranger' = 'seeder') =>
    gateway.swarm.deliver(sample, index, gateway.descriptors, from)
  return { gateway, sample, infoHash, path, deliver }
}

async function openLarge(t: Test, options: ContentOptions = {}) {
  const gateway = await openGateway(t, options)
  const sample = sampleTorrent({ size: LARGE, pieceLength: 2 ** 20 })
  await store(gateway.library, sample)
  const { infoHash } = gateway.fleet.publish(sample)
  const target = `/${infoHash}/sample`
  return { gateway, sample, infoHash, target }
}

t.test('missing pieces are waited for, and every byte is counted as what it was', async (t) => {
  const { gateway, sample, infoHash, path, deliver } = await openCold(t)
  const getting = get(path)
  await until(() => gateway.swarm.joined.length === 1)
  await deliver(1, 'stranger')
  await deliver(0)
  await until(() => gateway.swarm.wants.some(({ windows }) => (windows[0]?.end ?? 0) >= 3))
  await deliver(2)
  await deliver(3)
  const got = await getting
  t.ok(got.body.equals(sample.bytes))
  t.match(got.headers['server-timing'], /source;desc=seeder$/)
  t.same(gateway.sent, { seeder: 3 * PIECE, peer: PIECE })
  t.ok((await get(path)).body.equals(sample.bytes))
  t.equal(gateway.sent.cache, 4 * PIECE, 'the second client is served by the cache')
  t.equal((await gateway.node.open(infoHash, anyone())).busy, false)
  await quiet(gateway)
})

t.test('content that does not come says how far the swarm came', async (t) => {
  for (const [connected, status, code, phase] of [
    [0, 502, 'SWARM_NO_PEERS', 'connecting'],
    [2, 504, 'SWARM_TIMEOUT', 'downloading']
  ] as const) {
    const { gateway, infoHash, path } = await openCold(t, { firstByteTimeoutMs: 500 })
    await gateway.node.open(infoHash, anyone())
    gateway.swarm.see({ found: 5, tried: 4, connected, peers: 1 })
    const got = await get(path)
    t.match(problem(got.body), {
      status,
      code,
      detail: new RegExp(`phase: ${phase}; peers found 5, tried 4, connected ${connected}`)
    })
    t.match(got.headers, { 'retry-after': '10', 'cache-control': 'no-store' })
    t.equal(got.headers.etag, undefined)
    t.equal(gateway.counts.firstBytes, 0)
    await quiet(gateway)
  }
})

t.test('a piece that does not come in the middle resets the connection', async (t) => {
  const { gateway, infoHash, path, deliver } = await openCold(t, { firstByteTimeoutMs: 1000 })
  await gateway.node.open(infoHash, anyone())
  const getting = get(path)
  await until(() => gateway.swarm.joined.length === 1)
  await deliver(0)
  await t.rejects(getting, { code: 'ECONNRESET' })
  t.equal(gateway.counts.stalls, 1)
  await quiet(gateway)
})

t.test('two hundred clients that leave while they wait leave nothing behind', async (t) => {
  const { gateway, infoHash } = await openCold(t)
  const target = `/${infoHash}/sample`
  const clients = Array.from({ length: 200 }, () => dial(t, gateway.port))
  for (const client of clients) client.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await until(() => gateway.counts.seats === 200)
  const session = await gateway.node.open(infoHash, anyone())
  t.ok(session.busy)
  for (const client of clients) client.destroy()
  await quiet(gateway)
  t.notOk(session.busy)
  await until(() => gateway.swarm.wants.at(-1)?.windows.length === 0)
  t.equal(gateway.counts.stalls, 0, 'a client that leaves is no stall')
  await gateway.node.drop(infoHash)
  t.equal(gateway.cache?.usedBytes, 0, 'nothing is pinned')
})

t.test('clients that leave before the metainfo is there end the question', async (t) => {
  const { gateway, infoHash } = await openCold(t)
  gateway.fleet.hanging = true
  const clients = Array.from({ length: 20 }, () => dial(t, gateway.port))
  for (const client of clients) client.write(`GET /${infoHash}/sample HTTP/1.1\r\nHost: x\r\n\r\n`)
  await until(() => gateway.counts.opens === 20)
  t.equal(gateway.fleet.asked.length, 1, 'one question for all')
  for (const client of clients) client.destroy()
  gateway.fleet.hanging = false
  const getting = get(`${gateway.url}/${infoHash}/sample`)
  await until(() => gateway.fleet.asked.length === 2)
  await until(() => gateway.counts.seats === 1)
  getting.catch(() => {})
})

t.test('clients that leave in the middle give their memory back', async (t) => {
  const { gateway, target } = await openLarge(t)
  const clients = Array.from({ length: 10 }, () => dial(t, gateway.port))
  for (const client of clients) client.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await Promise.all(clients.map((client) => once(client, 'data')))
  t.ok(gateway.files.bufferedBytes > 0)
  for (const client of clients) client.resetAndDestroy()
  await quiet(gateway)
  t.equal(gateway.counts.stalls, 0)
})

t.test('content that is unpublished in the middle resets the connection', async (t) => {
  const { gateway, target, infoHash } = await openLarge(t)
  const client = dial(t, gateway.port)
  client.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
  const failed = new Promise((resolve) => client.once('error', resolve))
  await once(client, 'data')
  client.pause()
  gateway.fleet.unpublish(infoHash)
  await gateway.node.drop(infoHash)
  await quiet(gateway)
  t.equal(gateway.counts.stalls, 0, "which is nobody's stall")
  client.resume()
  t.match(await failed, { code: 'ECONNRESET' })
})

t.test('bytes that the disk lost in the middle are fetched again', async (t) => {
  const { gateway, sample, target, infoHash } = await openLarge(t)
  const client = dial(t, gateway.port)
  client.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await once(client, 'data')
  client.pause()
  const { shared } = (await gateway.node.open(infoHash, anyone())).store
  await truncate(`${shared.layout.folder}/0`, LARGE - 2 ** 20)
  client.resume()
  await until(() => gateway.swarm.joined.length === 1)
  await gateway.swarm.deliver(sample, 23, gateway.descriptors)
  client.destroy()
  const got = await get(gateway.url + target)
  t.ok(got.body.equals(sample.bytes))
})

t.test('a disk that does not answer ends the response at the deadline', async (t) => {
  const gateway = await openGateway(t, { firstByteTimeoutMs: 50 })
  const sample = sampleTorrent({ size: 10, pieceLength: PIECE })
  await store(gateway.library, sample)
  const { infoHash } = gateway.fleet.publish(sample)
  const session = await gateway.node.open(infoHash, anyone())
  session.store.prove = () => new Promise(() => {})
  const got = await get(`${gateway.url}/${infoHash}/sample`)
  t.match(problem(got.body), { status: 500, code: 'STORE_FAILED', detail: /phase: disk/ })
  await quiet(gateway)
})

t.test('a full cache makes the window smaller before it refuses', async (t) => {
  const { gateway, sample, infoHash, path, deliver } = await openCold(t)
  const session = await gateway.node.open(infoHash, anyone())
  const pin = session.store.pin
  let room = PIECE
  session.store.pin = async (span, signal) => {
    if (span.end - span.start > room) throw new AppError('STORE_FULL', 'full')
    return pin(span, signal)
  }
  const getting = get(path)
  for (let index = 0; index < 4; index++) {
    await until(() => gateway.swarm.wants.at(-1)?.windows[0]?.first === index)
    t.same(gateway.swarm.wants.at(-1)?.windows, [{ first: index, end: index + 1 }])
    await deliver(index)
  }
  t.ok((await getting).body.equals(sample.bytes))
  room = 0
  const refused = await get(path)
  t.match(problem(refused.body), { status: 429, code: 'QUOTA_EXCEEDED' })
  t.equal(refused.headers['retry-after'], '5')
})

t.test('a client that does not read is given up, and its memory comes back', async (t) => {
  const { gateway, target } = await openLarge(t, { writeTimeoutMs: 50 })
  const client = dial(t, gateway.port).pause()
  client.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await until(() => gateway.counts.stalls === 1)
  await quiet(gateway)
})

t.test('a response that waits for its turn holds no memory after the client left', async (t) => {
  const { gateway, target } = await openLarge(t, { writeTimeoutMs: 50 })
  const client = dial(t, gateway.port).pause()
  client.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(3))
  await until(() => gateway.counts.firstBytes === 3)
  client.destroy()
  await quiet(gateway)
})

t.test('requests one after the other on a connection each get their own answer', async (t) => {
  const gateway = await openGateway(t)
  const sample = sampleTorrent({ size: 100, pieceLength: PIECE })
  await store(gateway.library, sample)
  const { infoHash } = gateway.fleet.publish(sample)
  const request = (headers: string, method = 'GET', path = `/${infoHash}/sample`) =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`
  const client = dial(t, gateway.port)
  client.write(
    [
      request('Range: bytes=0-9\r\n'),
      request('Range: bytes=500-\r\n'),
      request(`If-None-Match: "${infoHash}.0"\r\n`),
      request('', 'HEAD'),
      request('', 'OPTIONS'),
      request('', 'GET', '/nonsense'),
      `${request('Content-Length: 11\r\n')}GET / HTTP/`,
      request('', 'PATCH'),
      request('Range: bytes=90-\r\nConnection: close\r\n')
    ].join('')
  )
  const raw = await readUntil(client, () => false)
  const statuses = [...raw.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)
  t.same(statuses, ['206', '416', '304', '200', '204', '400', '200', '405', '206'])
  t.ok(raw.endsWith(`\r\n\r\n${sample.bytes.subarray(90).toString('latin1')}`))
  await quiet(gateway)
})

t.test('a seat that closes with its torrent is answered, not left', async (t) => {
  const { gateway, infoHash, path } = await openCold(t)
  const getting = get(path)
  await until(() => gateway.counts.seats === 1)
  await turns()
  gateway.fleet.unpublish(infoHash)
  t.match(problem((await getting).body), { status: 410, code: 'CONTENT_GONE' })
  await quiet(gateway)
})
