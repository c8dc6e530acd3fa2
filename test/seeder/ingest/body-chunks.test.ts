import { PassThrough, Readable } from 'node:stream'
import t from 'tap'
import { bodyChunks } from '../../../seeder/ingest/body-chunks.ts'

const never = new AbortController().signal

async function collect(body: Readable, idleMs = 60_000, signal = never): Promise<string> {
  let all = ''
  for await (const chunk of bodyChunks(body, idleMs, signal)) all += chunk
  return all
}

t.test('every byte of a body that ends comes out', async (t) => {
  t.equal(await collect(Readable.from(['ab', 'c', 'def'], { objectMode: false })), 'abcdef')
  t.equal(await collect(Readable.from([], { objectMode: false })), '')
})

t.test('bytes that come later are waited for', async (t) => {
  const body = new PassThrough()
  const collected = collect(body)
  body.write('one ')
  setImmediate(() => body.end('two'))
  t.equal(await collected, 'one two')
})

t.test('a body that is destroyed fails, it does not end', async (t) => {
  const body = new PassThrough()
  const collected = collect(body)
  body.write('a')
  setImmediate(() => body.destroy())
  await t.rejects(collected, { code: 'REQUEST_INVALID' })
})

t.test('an error of the body is the cause', async (t) => {
  const body = new PassThrough()
  const collected = collect(body)
  setImmediate(() => body.destroy(new Error('line down')))
  await t.rejects(collected, { code: 'REQUEST_INVALID', cause: { message: 'line down' } })
})

t.test('a silent body is given up, and its stream stays alive', async (t) => {
  const body = new PassThrough()
  await t.rejects(collect(body, 20), { code: 'REQUEST_TIMEOUT' })
  t.notOk(body.destroyed)
  t.equal(body.listenerCount('readable'), 0)
  body.end('rest')
  body.resume()
  await new Promise((resolve) => body.once('end', resolve))
})

t.test('an abort ends the waiting with its reason', async (t) => {
  const abort = new AbortController()
  const body = new PassThrough()
  const collected = collect(body, 60_000, abort.signal)
  setImmediate(() => abort.abort(new Error('closing')))
  await t.rejects(collected, { message: 'closing' })
  t.notOk(body.destroyed)
})

t.test('a consumer that stops leaves the stream alive', async (t) => {
  const body = Readable.from(['a', 'b', 'c'], { objectMode: false })
  for await (const chunk of bodyChunks(body, 60_000, never)) {
    t.equal(String(chunk), 'a')
    break
  }
  t.notOk(body.destroyed)
  t.equal(body.listenerCount('error'), 0)
})
