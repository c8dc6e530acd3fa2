import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import t, { type Test } from 'tap'
import { type BodyDeps, ClientLeft, sendBody } from '../../../gateway/content/body.ts'
import { createBodyBuffers } from '../../../gateway/content/body-buffers.ts'
import type { PartReader } from '../../../gateway/content/part-reader.ts'

/** A reader that has `size` bytes to give. */
function countingReader(size: number): PartReader & { given: number; taken: number } {
  return {
    given: 0,
    taken: 0,
    ready: async () => 'library',
    async read(target) {
      const count = Math.min(target.byteLength, size - this.given)
      for (let at = 0; at < count; at++) target[at] = (this.given + at) % 251
      this.given += count
      return count
    },
    sent(bytes) {
      this.taken += bytes
    },
    close: () => {}
  }
}

function deps(overrides: Partial<BodyDeps> = {}): BodyDeps {
  return {
    buffers: createBodyBuffers(2 ** 26),
    writeTimeoutMs: 60_000,
    ...overrides
  }
}

/** A server whose only response is what `respond` makes of it. */
async function serve(t: Test, respond: (response: ServerResponse) => Promise<void>) {
  const outcome = Promise.withResolvers<unknown>()
  const server = createServer((_request, response) => {
    respond(response).then(outcome.resolve, outcome.resolve)
  })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, url: `http://127.0.0.1:${port}/`, outcome: outcome.promise }
}

t.test('exactly the announced bytes arrive, and the memory goes back', async (t) => {
  const size = 5 * 2 ** 20 + 7
  const buffers = createBodyBuffers(2 ** 26)
  const reader = countingReader(size)
  const { url } = await serve(t, (response) => {
    response.writeHead(200, { 'content-length': size })
    return sendBody(response, reader, size, deps({ buffers }), new AbortController().signal)
  })
  const body = Buffer.from(await (await fetch(url)).arrayBuffer())
  t.equal(body.length, size)
  t.ok(
    body.every((byte, at) => byte === at % 251),
    'every byte is the right one'
  )
  await new Promise(setImmediate)
  t.ok(reader.taken > 0 && reader.taken <= size, 'the reader hears what the socket took')
  t.equal(buffers.usedBytes, 0)
})

t.test('a reader that ends early resets the connection', async (t) => {
  const { url, outcome } = await serve(t, (response) => {
    response.writeHead(200, { 'content-length': 1000 })
    return sendBody(response, countingReader(999), 1000, deps(), new AbortController().signal)
  })
  await t.rejects(fetch(url).then((response) => response.arrayBuffer()))
  t.match(await outcome, { code: 'STORE_SHORT_READ' })
})

t.test('a reader that gives too much is cut before the client sees it', async (t) => {
  const reader = countingReader(1001)
  const { url, outcome } = await serve(t, (response) => {
    response.writeHead(200, { 'content-length': 1000 })
    return sendBody(response, reader, 1000, deps(), new AbortController().signal)
  })
  await t.rejects(fetch(url).then((response) => response.arrayBuffer()))
  t.match(await outcome, { code: 'STORE_SHORT_READ' })
})

t.test('a client that does not read holds two buffers and is given up in the end', async (t) => {
  const reader = countingReader(2 ** 30)
  const buffers = createBodyBuffers(2 ** 26)
  const { port, outcome } = await serve(t, (response) => {
    response.writeHead(200, { 'content-length': 2 ** 30 })
    return sendBody(
      response,
      reader,
      2 ** 30,
      deps({ buffers, writeTimeoutMs: 50 }),
      new AbortController().signal
    )
  })
  const client = connect(port, '127.0.0.1').pause()
  client.on('error', () => {})
  t.teardown(() => client.destroy())
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  t.match(await outcome, { code: 'REQUEST_TIMEOUT' })
  t.ok(reader.given < 2 ** 27, 'no more was read than sockets and buffers hold')
})

t.test('a client that leaves in the middle is told apart from a failure', async (t) => {
  const size = 2 ** 30
  const { port, outcome } = await serve(t, (response) => {
    response.writeHead(200, { 'content-length': size })
    return sendBody(response, countingReader(size), size, deps(), new AbortController().signal)
  })
  const client = connect(port, '127.0.0.1')
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(client, 'data')
  client.resetAndDestroy()
  t.ok((await outcome) instanceof ClientLeft)
})

t.test('without a length, the reader says where the end is', async (t) => {
  const { url } = await serve(t, (response) => {
    response.writeHead(200)
    return sendBody(response, countingReader(100_001), undefined, deps(), never)
  })
  const body = Buffer.from(await (await fetch(url)).arrayBuffer())
  t.equal(body.length, 100_001)
})

t.test('a stalled reader beside fast ones gets its own bytes in the end', async (t) => {
  const size = 8 * 2 ** 20
  const buffers = createBodyBuffers(2 ** 21)
  const { port, url } = await serve(t, (response) => {
    response.writeHead(200, { 'content-length': size })
    return sendBody(response, countingReader(size), size, deps({ buffers }), never)
  })
  const stalled = connect(port, '127.0.0.1')
  t.teardown(() => stalled.destroy())
  stalled.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  await once(stalled, 'readable')
  const wanted = sha256(Buffer.from(Array.from({ length: size }, (_, at) => at % 251)))
  const fast = [1, 2, 3].map(async () => Buffer.from(await (await fetch(url)).arrayBuffer()))
  for (const body of await Promise.all(fast)) t.equal(sha256(body), wanted)
  const chunks: Buffer[] = []
  for await (const chunk of stalled) chunks.push(chunk as Buffer)
  const answer = Buffer.concat(chunks)
  t.equal(sha256(answer.subarray(answer.indexOf('\r\n\r\n') + 4)), wanted)
})

const never = new AbortController().signal

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
