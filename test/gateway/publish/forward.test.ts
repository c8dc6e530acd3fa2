import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { chooseSeeders } from '../../../gateway/publish/choose-seeder.ts'
import { verifyAdmission } from '../../../lib/api/admission.ts'
import { readUntil } from '../../lib/http/exchange.ts'
import {
  accepting,
  afterFirstBytes,
  type Behaviour,
  dying,
  openFakeSeeder,
  refusing
} from './fake-seeder.ts'
import { createFleet, nodeOf } from './fleet.ts'
import { type GatewayOptions, openGateway, SECRET } from './gateway-rig.ts'
import { upload } from './upload.ts'

const LARGE = Buffer.alloc(6 * 2 ** 20, 'swarmgate')
const PATIENT = { acceptMs: 120_000, stallMs: 120_000, answerMs: 120_000 }

/** A gateway before seeders that behave like that; the first is tried first. */
async function openFleet(t: Test, behaviours: Behaviour[], options: GatewayOptions = {}) {
  const seeders = await Promise.all(behaviours.map((behaviour) => openFakeSeeder(t, behaviour)))
  const fleet = createFleet()
  const ranked = chooseSeeders([nodeOf({ id: 'x' }), nodeOf({ id: 'y' })], 'local', 0)
  fleet.nodeList = seeders.map(({ url }, n) => nodeOf({ id: ranked[n]?.id ?? '', ingestUrl: url }))
  return { ...(await openGateway(t, { ...options, fleet })), seeders }
}

t.test('an accepted upload reaches the seeder whole, and its answer the client', async (t) => {
  const { url, seeders } = await openFleet(t, [accepting], { maxUploadBytes: 2 ** 30 })
  const answer = await upload(url, LARGE, {
    'repr-digest': 'sha-256=:AAAA:',
    'content-range': 'bytes 0-1/9',
    accept: 'text/plain',
    cookie: 'secret',
    'swarmgate-replicas': '3',
    'swarmgate-admission': 'forged'
  })
  t.match(answer, { status: 201, body: JSON.stringify({ size: LARGE.length }) })
  t.equal(answer.headers.location, '/v1/torrents/x')
  t.equal(answer.headers['content-type'], 'application/json')

  const seen = seeders[0]?.requests[0]
  t.equal(seen?.url, '/v1/files/a%20b.bin?x=1')
  t.match(seen?.headers, {
    'content-length': String(LARGE.length),
    'repr-digest': 'sha-256=:AAAA:',
    'content-range': 'bytes 0-1/9',
    accept: 'text/plain',
    'swarmgate-replicas': '3',
    expect: '100-continue'
  })
  t.equal(seen?.headers.cookie, undefined)
  t.match(verifyAdmission(SECRET, String(seen?.headers['swarmgate-admission'])), {
    principal: 'local',
    maxBytes: 2 ** 30,
    baseUrl: url
  })
})

t.test('an upload of unknown length and an empty one arrive as such', async (t) => {
  const { url, seeders } = await openFleet(t, [accepting])
  const chunked = await upload(url, LARGE, { 'transfer-encoding': 'chunked' })
  t.match(chunked, { status: 201, body: JSON.stringify({ size: LARGE.length }) })
  const empty = await upload(url, Buffer.alloc(0))
  t.match(empty, { status: 201, body: '{"size":0}' })
  const [first, second] = seeders[0]?.requests ?? []
  t.equal(first?.headers['transfer-encoding'], 'chunked')
  t.equal(second?.headers['content-length'], '0')
})

t.test('the client is told to send only once the seeder has accepted', async (t) => {
  const asked = Promise.withResolvers<() => void>()
  const { port } = await openFleet(t, [
    (request, response) => asked.resolve(() => void accepting(request, response))
  ])
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const head = ['PUT /v1/files/a HTTP/1.1', `Host: localhost:${port}`, 'Content-Length: 4']
  socket.write(`${[...head, 'Expect: 100-continue'].join('\r\n')}\r\n\r\n`)
  const accept = await asked.promise
  t.equal(socket.bytesRead, 0, 'nothing before')
  accept()
  t.match(await readUntil(socket, (raw) => raw.endsWith('\r\n\r\n')), /^HTTP\/1\.1 100 /)
  socket.write('body')
  t.match(await readUntil(socket, (raw) => raw.includes('}')), /^HTTP\/1\.1 201 .*\{"size":4\}$/s)
})

t.test('a refusal before the body is read by a client that sends all the same', async (t) => {
  for (const [status, code, retryAfter] of [
    [413, 'UPLOAD_TOO_LARGE', undefined],
    [422, 'NAME_NOT_ALLOWED', undefined],
    [507, 'STORE_FULL', undefined],
    [429, 'QUOTA_EXCEEDED', '7']
  ] as const) {
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
    const { url } = await openFleet(t, [refusing(status, code, headers)])
    const answer = await upload(url, LARGE)
    t.equal(answer.status, status)
    t.match(JSON.parse(answer.body), {
      code,
      detail: `refused: ${code}`,
      errors: [{ detail: 'why' }]
    })
    t.equal(answer.headers['content-type'], 'application/problem+json')
    t.equal(answer.headers['retry-after'], retryAfter)
    t.equal(answer.headers.connection, 'close')
  }
})

t.test('a refusal before the body never asks the client for it', async (t) => {
  const { port } = await openFleet(t, [refusing(507, 'STORE_FULL')])
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const head = ['PUT /v1/files/a HTTP/1.1', `Host: localhost:${port}`, 'Content-Length: 9999999']
  socket.write(`${[...head, 'Expect: 100-continue'].join('\r\n')}\r\n\r\n`)
  t.match(await readUntil(socket, (raw) => raw.includes('}')), /^HTTP\/1\.1 507 /)
})

t.test('a refusal in the middle of the body is read by the client', async (t) => {
  const { url, seeders } = await openFleet(t, [
    afterFirstBytes(refusing(507, 'STORE_FULL')),
    accepting
  ])
  const answer = await upload(url, LARGE)
  t.equal(answer.status, 507)
  t.equal(JSON.parse(answer.body).code, 'STORE_FULL')
  t.equal(seeders[1]?.requests.length, 0, 'no other seeder gets half an upload')
})

t.test('another seeder is tried while no byte of the body was sent', async (t) => {
  for (const first of [refusing(507, 'STORE_FULL'), refusing(503, 'SHUTTING_DOWN'), dying]) {
    const { url, seeders } = await openFleet(t, [first, accepting])
    const answer = await upload(url, LARGE)
    t.match(answer, { status: 201, body: JSON.stringify({ size: LARGE.length }) })
    t.same(
      seeders.map(({ requests }) => requests.length),
      [1, 1]
    )
  }
})

t.test('what is the fault of the upload is not asked of another seeder', async (t) => {
  const { url, seeders } = await openFleet(t, [refusing(413, 'UPLOAD_TOO_LARGE'), accepting])
  t.equal((await upload(url, LARGE)).status, 413)
  t.equal(seeders[1]?.requests.length, 0)
})

t.test(
  'a seeder that dies in the middle is 503 with Retry-After, and nothing is retried',
  async (t) => {
    const { url, seeders } = await openFleet(t, [afterFirstBytes(dying), accepting])
    const answer = await upload(url, LARGE)
    t.equal(answer.status, 503)
    t.equal(JSON.parse(answer.body).code, 'SEEDER_UNAVAILABLE')
    t.ok(Number(answer.headers['retry-after']) > 0)
    t.equal(seeders[1]?.requests.length, 0)
  }
)

t.test('a seeder that does not go on is given up at each deadline', async (t) => {
  const silent: Behaviour = () => {}
  const swallowing: Behaviour = (request, response) => {
    response.writeContinue()
    request.resume()
  }
  for (const [what, behaviour, limits] of [
    ['no word', silent, { ...PATIENT, acceptMs: 30 }],
    ['takes no more', afterFirstBytes(silent), { ...PATIENT, stallMs: 30 }],
    ['no answer', swallowing, { ...PATIENT, answerMs: 30 }]
  ] as const) {
    const { url } = await openFleet(t, [behaviour], { limits })
    const answer = await upload(url, LARGE.subarray(0, what === 'takes no more' ? undefined : 99))
    t.equal(answer.status, 503, what)
    t.ok(Number(answer.headers['retry-after']) > 0, what)
  }
})

t.test('a client that leaves takes its upload away from the seeder', async (t) => {
  const begun = Promise.withResolvers<void>()
  const cut = Promise.withResolvers<void>()
  const { url } = await openFleet(t, [
    afterFirstBytes((request) => {
      request.on('close', cut.resolve).resume()
      begun.resolve()
    })
  ])
  const client = httpRequest(`${url}/v1/files/a`, {
    method: 'PUT',
    headers: { 'content-length': '1000000' }
  })
  client.on('error', () => {})
  client.write('some')
  await begun.promise
  client.destroy()
  await cut.promise
  t.pass('the request to the seeder ended')
})

t.test('a client that leaves while the seeder thinks takes its upload away too', async (t) => {
  const done = Promise.withResolvers<void>()
  const cut = Promise.withResolvers<void>()
  const { url } = await openFleet(t, [
    (request, response) => {
      response.writeContinue()
      response.on('close', cut.resolve)
      request.on('end', done.resolve).resume()
    }
  ])
  const client = httpRequest(`${url}/v1/files/a`, { method: 'PUT' })
  client.on('error', () => {})
  client.end('whole')
  await done.promise
  client.destroy()
  await cut.promise
  t.pass('the request to the seeder ended')
})

t.test('a seeder that does not believe the gateway is no fault of the client', async (t) => {
  const { url } = await openFleet(t, [refusing(401, 'KEY_REQUIRED')])
  const answer = await upload(url, LARGE)
  t.equal(answer.status, 503)
  t.notMatch(answer.body, /KEY_REQUIRED/)
})

t.test('an answer that is no problem document is 503', async (t) => {
  const page: Behaviour = (_request, response) => response.writeHead(502).end('<html>Bad gateway')
  const { url } = await openFleet(t, [page])
  const answer = await upload(url, LARGE)
  t.equal(answer.status, 503)
  t.notMatch(answer.body, /html/)
})

t.test('an upload over the limit or without a live seeder goes to nobody', async (t) => {
  const { url, seeders, fleet } = await openFleet(t, [accepting], { maxUploadBytes: 1000 })
  t.equal((await upload(url, LARGE)).status, 413)
  fleet.nodeList = fleet.nodeList.map((node) => ({ ...node, live: false }))
  const answer = await upload(url, Buffer.from('small'))
  t.equal(answer.status, 503)
  t.ok(Number(answer.headers['retry-after']) > 0)
  t.equal(seeders[0]?.requests.length, 0)
})

t.test('a seeder that cannot be reached at all is 503', async (t) => {
  const { url, fleet } = await openFleet(t, [])
  fleet.nodeList = [nodeOf({ ingestUrl: 'http://127.0.0.1:1' })]
  const answer = await upload(url, LARGE)
  t.match(JSON.parse(answer.body), { status: 503, code: 'SEEDER_UNAVAILABLE' })
})
