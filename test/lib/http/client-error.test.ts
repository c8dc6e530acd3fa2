import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { answerClientError, type ParserError } from '../../../lib/http/client-error.ts'
import { answerOf } from './exchange.ts'

/** What a client reads whose request made the parser report `code`. */
async function answerTo(t: Test, code: string, rawPacket?: Buffer) {
  const err: ParserError = Object.assign(new Error(code), { code, rawPacket })
  const server = createServer((socket) => answerClientError(err, socket))
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return answerOf(connect(address.port, '127.0.0.1'))
}

t.test('what the parser refuses is answered with the status that fits', async (t) => {
  const line = Buffer.from(`GET /${'a'.repeat(20_000)}`)
  const headers = Buffer.from(`GET / HTTP/1.1\r\nX: ${'a'.repeat(20_000)}`)
  for (const [code, packet, status] of [
    ['ERR_HTTP_REQUEST_TIMEOUT', undefined, 408],
    ['HPE_INVALID_METHOD', undefined, 400],
    ['HPE_HEADER_OVERFLOW', line, 414],
    ['HPE_HEADER_OVERFLOW', headers, 431],
    ['HPE_HEADER_OVERFLOW', undefined, 431]
  ] as const) {
    const answer = await answerTo(t, code, packet)
    t.equal(answer.status, status, code)
    t.equal(JSON.parse(answer.body).status, status)
    t.equal(Number(answer.headers.get('content-length')), answer.body.length)
    t.equal(answer.headers.get('connection'), 'close')
    t.equal(answer.ending, 'end')
  }
})

t.test('a connection that is gone is not written to', async (t) => {
  t.equal((await answerTo(t, 'ECONNRESET')).raw, '')
})
