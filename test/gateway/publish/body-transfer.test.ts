import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { setImmediate as tick } from 'node:timers/promises'
import t from 'tap'
import { transferBody } from '../../../gateway/publish/body-transfer.ts'

const NEVER_MS = 60_000

/** Takes one chunk at a time, each only when `take` is called. */
function slowSink() {
  const taken: string[] = []
  let release: (() => void) | undefined
  const sink = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      taken.push(String(chunk))
      release = done
    }
  })
  return { sink, taken, take: () => release?.() }
}

t.test('the sender is read no faster than the receiver takes', async (t) => {
  const from = new PassThrough()
  const { sink, taken, take } = slowSink()
  const transfer = transferBody(from, sink, NEVER_MS)
  t.notOk(transfer.begun)
  from.write('one')
  await tick()
  from.write('two')
  from.end('three')
  await tick()
  t.same(taken, ['one'])
  t.ok(from.isPaused())
  t.ok(transfer.begun)
  for (const length of [2, 3]) {
    const drained = once(sink, 'drain')
    take()
    await drained
    await tick()
    t.equal(taken.length, length)
  }
  const finished = once(sink, 'finish')
  take()
  await transfer.done
  await finished
  t.same(taken, ['one', 'two', 'three'])
})

t.test('an empty body ends the request, and counts as begun', async (t) => {
  const { sink } = slowSink()
  const from = new PassThrough()
  const transfer = transferBody(from, sink, NEVER_MS)
  from.end()
  await transfer.done
  t.ok(transfer.begun)
  t.ok(sink.writableEnded)
})

t.test(
  'a sender that leaves before the end makes it fail, and the request stays open',
  async (t) => {
    const { sink } = slowSink()
    const from = new PassThrough()
    const transfer = transferBody(from, sink, NEVER_MS)
    from.write('some')
    from.destroy()
    await t.rejects(transfer.done, { code: 'SEEDER_UNAVAILABLE' })
    t.notOk(sink.writableEnded, 'a cut body never looks whole')
  }
)

t.test('a receiver that takes nothing for too long makes it fail', async (t) => {
  const { sink } = slowSink()
  const from = new PassThrough()
  const transfer = transferBody(from, sink, 5)
  from.write('some')
  await t.rejects(transfer.done, /no more bytes/)
})

t.test('a stopped transfer leaves the sender alive for others to read', async (t) => {
  const { sink, taken } = slowSink()
  const from = new PassThrough()
  const transfer = transferBody(from, sink, NEVER_MS)
  from.write('one')
  await tick()
  transfer.stop()
  from.end('two')
  t.notOk(from.destroyed)
  from.resume()
  const [chunk] = await once(from, 'data')
  t.equal(String(chunk), 'two')
  t.same(taken, ['one'])
  t.equal(sink.listenerCount('drain'), 0)
})
