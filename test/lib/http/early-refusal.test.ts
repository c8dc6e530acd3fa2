import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { truncate, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { AppError } from '../../../core/errors.ts'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import { acceptBody } from '../../../lib/http/body.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { answerOf, exchange, parseAnswer, readUntil } from './exchange.ts'

const run = promisify(execFile)
const curlVersion = await run('curl', ['--version']).catch(() => undefined)
const withCurl = curlVersion === undefined ? { skip: 'curl is not installed' } : {}

/** Refuses at `/hook` before routing, at `/early` before the body, at `/late` within it. */
async function refusing(t: Test) {
  const refusal = new AppError('STORE_FULL', 'There is no room for this.')
  const app = createHttpApp({ log: pino({ level: 'silent' }) })
  let received = 0
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.addHook('onRequest', async (request) => {
    if (request.url === '/hook') throw refusal
  })
  app.put('/hook', async () => 'never')
  app.put('/early', async (request) => {
    request.raw.on('data', (chunk: Buffer) => {
      received += chunk.byteLength
    })
    request.raw.pause()
    throw refusal
  })
  app.put('/late', async (request, reply) => {
    acceptBody(request, reply)
    const chunks = request.raw.iterator({ destroyOnReturn: false })
    for await (const _chunk of chunks) break
    throw refusal
  })
  t.teardown(() => closeHttpApp(app, 0))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return { port: address.port, received: () => received }
}

const head = (path: string, length: number) =>
  `PUT ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: video/mp4\r\nContent-Length: ${length}\r\n\r\n`

t.test(
  'curl -T shows the answer to a large upload, whenever it is refused',
  withCurl,
  async (t) => {
    const { port } = await refusing(t)
    const file = join(testFolder(t), 'large.mp4')
    await writeFile(file, '')
    await truncate(file, 2 ** 30)
    for (const path of ['hook', 'early', 'late']) {
      for (const expect of ['Expect: 100-continue', 'Expect:']) {
        const url = `http://127.0.0.1:${port}/${path}`
        const args = ['-sS', '-H', expect, '-H', 'Content-Type: video/mp4', '-T', file, url]
        const { stdout, stderr } = await run('curl', ['-w', '\n%{http_code}', ...args])
        const [body = '', status] = stdout.split('\n')
        t.equal(status, '507', `${path} with ${expect}`)
        t.equal(JSON.parse(body).detail, 'There is no room for this.')
        t.equal(stderr, '', 'no reset')
      }
    }
  }
)

t.test('a client that sends as fast as it can reads the whole answer', async (t) => {
  const { port } = await refusing(t)
  for (const path of ['/hook', '/early', '/late']) {
    const socket = connect(port, '127.0.0.1')
    socket.write(head(path, 2 ** 30))
    const sending = sendEndlessly(socket)
    const raw = await readUntil(socket, (text) => text.endsWith('}'))
    const answer = parseAnswer(raw)
    t.equal(answer.status, 507, path)
    t.equal(answer.headers.get('connection'), 'close')
    t.equal(Number(answer.headers.get('content-length')), answer.body.length, 'whole')
    socket.destroy()
    await sending
  }
})

async function sendEndlessly(socket: Socket): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024)
  socket.on('error', () => undefined)
  while (!socket.destroyed) {
    if (!socket.write(chunk)) {
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined)
    }
  }
}

t.test('a client that sends all it has before it reads finds the answer', async (t) => {
  const { port } = await refusing(t)
  const length = 512 * 1024
  const answer = await exchange(
    port,
    Buffer.concat([Buffer.from(head('/early', length)), Buffer.alloc(length)])
  )
  t.equal(answer.status, 507)
  t.equal(answer.ending, 'end', 'an orderly end of the connection')
})

t.test('a client that never closes is not waited for', async (t) => {
  const { port, received } = await refusing(t)
  const silent = connect(port, '127.0.0.1')
  silent.write(head('/hook', 2 ** 30))
  const stubborn = connect(port, '127.0.0.1').pause()
  stubborn.write(head('/early', 2 ** 30))
  const [answer] = await Promise.all([answerOf(silent), sendEndlessly(stubborn)])
  t.equal(answer.status, 507)
  t.equal(answer.ending, 'end')
  t.ok(received() >= 2 ** 20, 'a part of the body is thrown away')
  t.ok(
    received() < 2 ** 20 + 2 ** 17,
    'of which there is no more than 1 MiB and what was on its way'
  )
})

t.test('a small body is read and the connection stays', async (t) => {
  const { port } = await refusing(t)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(head('/hook', 4))
  const answer = parseAnswer(await readUntil(socket, (raw) => raw.endsWith('}')))
  t.equal(answer.status, 507)
  t.equal(answer.headers.get('connection'), 'keep-alive')
  socket.write(`body${head('/hook', 0)}`)
  t.equal(parseAnswer(await readUntil(socket, (raw) => raw.endsWith('}'))).status, 507)
})
