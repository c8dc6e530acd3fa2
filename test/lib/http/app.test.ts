import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as tick } from 'node:timers/promises'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import { AppError } from '../../../core/errors.ts'
import { closeHttpApp, createHttpApp, type HttpApp } from '../../../lib/http/app.ts'
import { acceptBody } from '../../../lib/http/body.ts'
import { type Answer, exchange, parseAnswer, readUntil } from './exchange.ts'

const log = pino({ level: 'silent' })

async function listening(t: Test, routes: (app: HttpApp) => void): Promise<number> {
  const app = createHttpApp({ log, bodyLimitBytes: 70_000 })
  routes(app)
  t.teardown(() => closeHttpApp(app, 0))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return portOf(app)
}

function portOf(app: HttpApp): number {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}

const CLOSE = 'Connection: close\r\n\r\n'
const get = (port: number, target: string, headers = '') =>
  exchange(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${headers}${CLOSE}`)

function problemOf(t: Test, answer: Answer, status: number, code: string) {
  t.equal(answer.status, status, `${code} is ${status}`)
  t.equal(answer.headers.get('content-type'), 'application/problem+json')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  const document = JSON.parse(answer.body)
  t.match(document, { status, code, title: String, detail: String, errors: Array })
  t.match(document.requestId, /^[0-9a-f-]{36}$/)
  t.match(document.type, /^urn:swarmgate:problem:[a-z-]+$/)
  return document
}

t.test('malformed requests are answered with a problem document and end nothing', async (t) => {
  const port = await listening(t, (app) => {
    app.get('/a', async () => 'fine')
    app.get('/named/:name', async () => 'named')
    app.get('/rest/*', async (request) => JSON.stringify(request.params))
  })
  const long = 'a'.repeat(64 * 1024)

  problemOf(t, await get(port, '/%E0%A4%A'), 400, 'REQUEST_INVALID')
  problemOf(t, await get(port, '/rest/%E0%A4%A'), 400, 'REQUEST_INVALID')
  problemOf(t, await get(port, '//'), 404, 'ROUTE_UNKNOWN')
  problemOf(t, await get(port, '//a'), 404, 'ROUTE_UNKNOWN')
  problemOf(t, await get(port, '?'), 400, 'REQUEST_INVALID')
  problemOf(t, await get(port, `/${long}`), 414, 'URI_TOO_LONG')
  problemOf(t, await get(port, `/named/${'a'.repeat(3000)}`), 414, 'URI_TOO_LONG')
  problemOf(t, await get(port, '/a', `X-Long: ${long}\r\n`), 431, 'HEADERS_TOO_LARGE')
  problemOf(t, await exchange(port, 'hello\r\n\r\n'), 400, 'REQUEST_INVALID')
  problemOf(t, await exchange(port, Buffer.alloc(4096, 0xff)), 400, 'REQUEST_INVALID')
  problemOf(t, await get(port, `/${'a'.repeat(9000)}`), 414, 'URI_TOO_LONG')
  for (const target of ['http://[', 'http://', 'http:///a', 'http://u:p@a/a', 'http://a b/a']) {
    problemOf(t, await get(port, target), 400, 'REQUEST_INVALID')
  }
  problemOf(t, await get(port, '/a', 'Host: other\r\n'), 400, 'REQUEST_INVALID')
  problemOf(t, await exchange(port, `GET /a HTTP/1.1\r\n${CLOSE}`), 400, 'REQUEST_INVALID')
  problemOf(
    t,
    await exchange(port, `OPTIONS * HTTP/1.1\r\nHost: a\r\n${CLOSE}`),
    404,
    'ROUTE_UNKNOWN'
  )
  t.equal((await exchange(port, `CONNECT a:1 HTTP/1.1\r\nHost: a\r\n${CLOSE}`)).raw, '')
  t.equal((await get(port, '/rest/%00/x%2F..%2f')).body, '{"*":"\\u0000/x/../"}')
  t.equal((await get(port, '/a?%E0%A4%A')).body, 'fine')

  t.equal((await get(port, '/a')).body, 'fine', 'still serving')
})

t.test('the absolute form is routed by its path, its authority is the Host', async (t) => {
  const port = await listening(t, (app) => app.get('/a', async (request) => request.host))
  t.equal((await get(port, 'http://content.example:81/a')).body, 'content.example:81')
  t.equal((await get(port, 'HTTP://content.example/a?x=1')).body, 'content.example')
  t.equal((await get(port, 'http://content.example')).status, 404)
})

t.test('names that are not UTF-8 reach the routes that take bytes, and only those', async (t) => {
  const app = createHttpApp({ log, isOpaque: (target) => target.startsWith('/bytes/') })
  app.get('/bytes/*', async (request) => Buffer.from(request.url, 'latin1').toString('hex'))
  app.get('/text/:name', async () => 'never')
  t.teardown(() => closeHttpApp(app, 0))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const hex = (text: string) => Buffer.from(text, 'latin1').toString('hex')
  t.equal((await get(portOf(app), '/bytes/%FF%20x?%FF')).body, hex('/bytes/\xff%20x?%FF'))
  t.equal((await get(portOf(app), 'http://a/bytes/%C3%A9')).body, hex('/bytes/%C3%A9'))
  problemOf(t, await get(portOf(app), '/bytes/%E0%A4%A'), 400, 'REQUEST_INVALID')
  problemOf(t, await get(portOf(app), '/text/%FF'), 400, 'REQUEST_INVALID')
})

t.test('as many headers as fit are read', async (t) => {
  const port = await listening(t, (app) => app.get('/a', async ({ headers }) => headers.last))
  const many = 'a:\r\n'.repeat(3000)
  t.equal((await get(port, '/a', `${many}Last: seen\r\n`)).body, 'seen')
})

t.test('HTTP/1.0 needs no Host', async (t) => {
  const port = await listening(t, (app) => app.get('/a', async () => 'fine'))
  t.equal((await exchange(port, 'GET /a HTTP/1.0\r\n\r\n')).body, 'fine')
})

t.test('a method that a URL does not have is 405 and Allow names those it has', async (t) => {
  const port = await listening(t, (app) => {
    app.get('/file/:name', async () => 'get')
    app.put('/file/:name', async () => 'put')
    app.get('/list.:format', async () => 'list')
  })
  const post = await exchange(port, `POST /file/x?y HTTP/1.1\r\nHost: a\r\n${CLOSE}`)
  problemOf(t, post, 405, 'METHOD_NOT_ALLOWED')
  t.equal(post.headers.get('allow'), 'GET, HEAD, PUT')
  const foreign = await exchange(port, `PROPFIND /list.json HTTP/1.1\r\nHost: a\r\n${CLOSE}`)
  t.equal(foreign.status, 405)
  t.equal(foreign.headers.get('allow'), 'GET, HEAD')
  problemOf(t, await get(port, '/file/x/y'), 404, 'ROUTE_UNKNOWN')
})

t.test('errors of the framework are problem documents', async (t) => {
  const port = await listening(t, (app) => {
    const body = Type.Object({ count: Type.Integer() }, { additionalProperties: false })
    const querystring = Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1 })) })
    app.post('/things', { schema: { body, querystring } }, async ({ body }) => String(body.count))
  })
  const post = (body: string, query = '', type = 'application/json') =>
    exchange(
      port,
      `POST /things${query} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n${CLOSE}${body}`
    )

  t.equal((await post('{"count":3}')).body, '3')
  const wrong = problemOf(t, await post('{"count":"many"}'), 400, 'REQUEST_INVALID')
  t.same(wrong.errors, [{ detail: 'must be integer', pointer: '#/count' }])
  const extra = problemOf(t, await post('{"count":1,"more":1}'), 400, 'REQUEST_INVALID')
  t.match(extra.errors[0].detail, /additional properties/)
  const query = problemOf(t, await post('{"count":1}', '?limit=0'), 400, 'REQUEST_INVALID')
  t.same(query.errors, [{ detail: 'querystring/limit must be >= 1' }])
  problemOf(t, await post('{"count":'), 400, 'REQUEST_INVALID')
  problemOf(t, await post('{"__proto__":{}}'), 400, 'REQUEST_INVALID')
  problemOf(t, await post('x', '', 'application/x-unknown'), 415, 'MEDIA_TYPE_UNSUPPORTED')
  problemOf(t, await post(`"${'x'.repeat(70_000)}"`), 413, 'UPLOAD_TOO_LARGE')
})

t.test('an error of ours keeps its status, code and hints', async (t) => {
  const port = await listening(t, (app) => {
    app.get('/full', async (_request, reply) => {
      reply.header('etag', '"x"').header('content-range', 'bytes */5')
      const errors = [{ detail: 'too long', pointer: '#/name' }]
      throw new AppError('SEEDER_UNAVAILABLE', 'No seeder is live.', { retryAfter: 2.5, errors })
    })
    app.get('/closed', async () => {
      throw new AppError('KEY_REQUIRED', 'Send a key.')
    })
  })
  const full = await get(port, '/full')
  const document = problemOf(t, full, 503, 'SEEDER_UNAVAILABLE')
  t.equal(document.detail, 'No seeder is live.')
  t.same(document.errors, [{ detail: 'too long', pointer: '#/name' }])
  t.equal(full.headers.get('retry-after'), '3')
  t.equal(full.headers.get('etag'), undefined, 'what described the answer is gone')
  t.equal(full.headers.get('content-range'), 'bytes */5')
  const closed = await get(port, '/closed')
  problemOf(t, closed, 401, 'KEY_REQUIRED')
  t.match(closed.headers.get('www-authenticate'), /^Bearer/)
})

t.test('an unexpected error is logged with its cause and says nothing to the client', async (t) => {
  const lines: string[] = []
  const app = createHttpApp({
    log: pino({ level: 'debug' }, { write: (line) => lines.push(line) })
  })
  t.teardown(() => app.close())
  app.get('/broken', async () => {
    throw new Error('the secret is 42')
  })
  const answer = await app.inject('/broken')
  t.equal(answer.statusCode, 500)
  t.equal(answer.json().code, 'INTERNAL')
  t.notMatch(answer.body, /secret/)
  const line = JSON.parse(lines[0] ?? '{}')
  t.match(line, { level: 50, msg: 'request failed', err: { message: 'the secret is 42' } })
  t.equal(line.requestId, answer.json().requestId)
  t.equal(lines.length, 1, 'once')
})

t.test('an error after the headers resets the connection', async (t) => {
  const port = await listening(t, (app) => {
    app.get('/cut', async (_request, reply) => {
      reply.raw.writeHead(200, { connection: 'close' })
      reply.raw.write('five ')
      await tick()
      throw new Error('no more')
    })
  })
  const answer = await get(port, '/cut')
  t.equal(answer.status, 200)
  t.match(answer.body, 'five ')
  t.equal(answer.ending, 'ECONNRESET')
})

t.test('100 Continue is sent when the route says so, and never otherwise', async (t) => {
  const port = await listening(t, (app) => {
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.put('/accept', async (request, reply) => {
      acceptBody(request, reply)
      acceptBody(request, reply)
      let size = 0
      for await (const chunk of request.raw) size += (chunk as Buffer).byteLength
      return String(size)
    })
    app.put('/refuse', async () => {
      throw new AppError('QUOTA_EXCEEDED', 'Too much.')
    })
    app.post('/json', async (request) => request.body)
  })
  const head = (method: string, path: string, type: string) =>
    `${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: 4\r\n` +
    `Expect: 100-continue\r\n${CLOSE}`
  const converse = async (request: string) => {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.write(request)
    const first = await readUntil(socket, (raw) => /^HTTP\/1.1 100.*\r\n\r\n$|\}$/s.test(raw))
    if (!first.startsWith('HTTP/1.1 100 Continue\r\n\r\n')) return first
    socket.write('1234')
    return first + (await readUntil(socket, () => false))
  }

  const accepted = await converse(head('PUT', '/accept', 'video/mp4'))
  t.equal(accepted.match(/100 Continue/g)?.length, 1, 'once')
  t.equal(parseAnswer(accepted).body, '4')
  const refused = await converse(head('PUT', '/refuse', 'video/mp4'))
  t.equal(parseAnswer(refused).status, 429, 'no 100 came before')
  t.equal(parseAnswer(refused).headers.get('connection'), 'close')
  const json = await converse(head('POST', '/json', 'application/json'))
  t.equal(parseAnswer(json).body, '1234', 'what the framework reads is accepted by itself')
})

t.test('closing lets a running response finish, refuses new ones, then resolves', async (t) => {
  const app = createHttpApp({ log })
  const started = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  app.get('/slow', async () => {
    started.resolve()
    await release.promise
    return 'done'
  })
  app.get('/fast', async () => 'fast')
  await app.listen({ host: '127.0.0.1', port: 0 })
  const port = portOf(app)

  const idle = connect(port, '127.0.0.1')
  await once(idle, 'connect')
  const running = connect(port, '127.0.0.1')
  running.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  await started.promise
  const closing = closeHttpApp(app, 60_000)
  await once(idle.resume(), 'close')
  running.write('GET /fast HTTP/1.1\r\nHost: a\r\n\r\n')
  release.resolve()
  const raw = await readUntil(running, () => false)
  t.match(raw, /^HTTP\/1\.1 200 OK/)
  t.match(raw, /done/)
  t.notMatch(raw, /\r\n\r\nfast/, 'a request that came after is not served')
  await closing
  await closeHttpApp(app, 0)
})

t.test('closing cuts what runs longer than the grace', async (t) => {
  const app = createHttpApp({ log })
  app.get('/endless', (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200)
    reply.raw.write('first')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const client = connect(portOf(app), '127.0.0.1')
  client.on('error', () => undefined).write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n')
  await readUntil(client, (raw) => raw.includes('first'))
  const closed = once(client.resume(), 'close')
  await closeHttpApp(app, 1)
  await closed
  t.pass('resolved')
})

t.test('only trusted proxies are believed', async (t) => {
  const forwarded = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': 'public.example' }
  for (const [trustedProxies, ip, host] of [
    [[], '127.0.0.1', 'inner:80'],
    [['127.0.0.0/8'], '203.0.113.9', 'public.example']
  ] as const) {
    const app = createHttpApp({ log, trustedProxies })
    t.teardown(() => app.close())
    app.get('/who', async (request) => `${request.ip} ${request.host}`)
    const headers = { ...forwarded, host: 'inner:80' }
    t.equal((await app.inject({ url: '/who', headers })).body, `${ip} ${host}`)
  }
})
