import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import {
  type Connection,
  createResponseLimit,
  limitResponse,
  type ResponseLimitConfig
} from '../../../lib/http/response-limit.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { parseAnswer, readUntil } from './exchange.ts'

const REFUSED = { code: 'TOO_MANY_RESPONSES', retryAfter: 5 }

function connection(bytesWritten = 0) {
  const state = { bytesWritten, resets: 0 }
  return Object.assign(state, {
    resetAndDestroy() {
      state.resets++
      return this
    }
  }) as typeof state & Connection
}

t.test('a place is for one response, and given back once', async (t) => {
  const limit = createResponseLimit({ total: 2, perAddress: 9 })
  const [leave] = [limit.enter('192.0.2.1', connection()), limit.enter('192.0.2.2', connection())]
  t.throws(() => limit.enter('192.0.2.3', connection()), REFUSED)
  leave()
  leave()
  t.equal(limit.running, 1)
  limit.enter('192.0.2.3', connection())
  t.throws(() => limit.enter('192.0.2.3', connection()), REFUSED)
})

t.test('an address has its share, an IPv6 client has one for all its addresses', async (t) => {
  const limit = createResponseLimit({ total: 99, perAddress: 1 })
  const leave = limit.enter('2001:db8::1', connection())
  t.throws(() => limit.enter('2001:db8::2', connection()), REFUSED)
  limit.enter('2001:db8:0:1::1', connection())
  leave()
  limit.enter('2001:db8::2', connection())
  limit.enter('192.0.2.1', connection())
  t.throws(() => limit.enter('::ffff:192.0.2.1', connection()), REFUSED)
  for (let i = 0; i < 5; i++) limit.enter('127.0.0.1', connection())
  t.equal(limit.running, 8, 'this machine is held to the total only')
})

t.test('when all places are taken, who hardly reads makes room', async (t) => {
  let now = 0
  const limit = createResponseLimit({ total: 3, perAddress: 9 }, () => now)
  const [slow, stuck, fast] = [connection(5000), connection(), connection()]
  const leaveSlow = limit.enter('192.0.2.1', slow)
  limit.enter('192.0.2.1', stuck)
  limit.enter('192.0.2.1', fast)
  fast.bytesWritten = 60_000_000
  slow.bytesWritten += 1024
  t.throws(() => limit.enter('192.0.2.2', connection()), REFUSED, 'nobody is known to be slow')
  now = 60_000
  const newcomer = connection()
  limit.enter('192.0.2.2', newcomer)
  t.same([stuck.resets, slow.resets, fast.resets], [1, 0, 0], 'the slowest')
  t.equal(limit.running, 3)
  limit.enter('192.0.2.2', connection())
  t.same([stuck.resets, slow.resets, fast.resets], [1, 1, 0], 'then the next')
  t.throws(() => limit.enter('192.0.2.2', connection()), REFUSED)
  leaveSlow()
  t.equal(limit.running, 3, 'its close gives nothing back a second time')
})

/** Responses at `/{status}` that stay open; `hang` never answers. */
async function serving(t: Test, config: ResponseLimitConfig) {
  const limit = createResponseLimit(config)
  const app = createHttpApp({ log, trustedProxies: ['loopback'] })
  app.route({
    method: ['GET', 'HEAD'],
    url: '/:what',
    exposeHeadRoute: false,
    async handler(request, reply) {
      limitResponse(limit, request, reply)
      const { what } = request.params as { what: string }
      if (what === 'fail') throw new Error('failed')
      if (what === 'empty') return reply.code(304).send()
      if (what === 'ok') return 'fine'
      reply.hijack()
      if (what === 'open') reply.raw.writeHead(200).write('begun')
      return reply
    }
  })
  t.teardown(() => closeHttpApp(app, 0))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return { limit, port: address.port }
}

const ask = (path: string, method = 'GET', ip = '192.0.2.1') =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${ip}\r\n\r\n`

/** Resolves when no place is taken; the test's own timeout is the limit. */
async function allGivenBack(limit: { readonly running: number }): Promise<void> {
  while (limit.running > 0) await new Promise(setImmediate)
}

t.test('whatever becomes of a response, its place is given back', async (t) => {
  const { limit, port } = await serving(t, { total: 9, perAddress: 9 })
  const socket = connect(port, '127.0.0.1')
  socket.write(ask('/ok') + ask('/ok', 'HEAD') + ask('/empty') + ask('/fail') + ask('/ok'))
  await readUntil(socket, (raw) => raw.match(/HTTP\/1.1/g)?.length === 5 && raw.endsWith('fine'))
  await allGivenBack(limit)
  t.pass('sent, without a body, failed; on a connection that stays')
  socket.destroy()

  for (const path of ['/open', '/hang']) {
    const leaving = connect(port, '127.0.0.1')
    leaving.write(ask(path) + ask('/open') + ask('/ok'))
    while (limit.running < 3) await new Promise(setImmediate)
    leaving.destroy()
    await once(leaving, 'close')
    await allGivenBack(limit)
    t.pass(`the client left, two responses waited behind ${path}`)
  }
})

t.test('the client behind a trusted proxy is who counts, and 429 says when', async (t) => {
  const { port } = await serving(t, { total: 9, perAddress: 1 })
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => void socket.destroy())
  socket.write(ask('/open'))
  await readUntil(socket, (raw) => raw.includes('begun'))
  const other = connect(port, '127.0.0.1')
  t.teardown(() => void other.destroy())
  other.write(ask('/ok'))
  const refused = parseAnswer(await readUntil(other, (raw) => raw.endsWith('}')))
  t.equal(refused.status, 429)
  t.equal(refused.headers.get('retry-after'), '5')
  t.equal(JSON.parse(refused.body).code, 'TOO_MANY_RESPONSES')
  t.equal(refused.headers.get('connection'), 'keep-alive')
  other.write(ask('/ok', 'GET', '192.0.2.2'))
  t.equal(parseAnswer(await readUntil(other, (raw) => raw.endsWith('fine'))).status, 200)
})
