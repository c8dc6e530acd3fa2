import { randomBytes } from 'node:crypto'
import t from 'tap'
import { createReader, type Reader } from '../../../gateway/content/reader.ts'
import { createSession } from '../../../lib/node/session.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import { memoryStore } from '../../fakes/memory-store.ts'
import { recordingSwarm } from '../../fakes/recording-swarm.ts'
import { turns } from '../../lib/node/node-rig.ts'

const PIECE = 16384
const bytes = randomBytes(40 * PIECE + 5)
const config = { pieceTimeoutMs: 60_000 }
const signal = new AbortController().signal

function prepare(options: { kind?: 'library' | 'cache'; connected?: number } = {}) {
  const store = memoryStore(bytes, { kind: options.kind ?? 'cache' })
  const swarm = recordingSwarm({ connected: options.connected ?? 0, found: 3, tried: 2 })
  const session = createSession(store, { swarm, fleetPeers: () => [], onJoin: () => {} })
  return { store, swarm, session }
}

async function readAll(reader: Reader, chunk = 5000): Promise<Buffer> {
  const parts: Buffer[] = []
  for (;;) {
    const target = Buffer.alloc(chunk)
    const count = await reader.read(target, signal)
    if (count === 0) return Buffer.concat(parts)
    parts.push(target.subarray(0, count))
  }
}

t.test('the bytes of a span come out exactly, across pieces', async (t) => {
  const { store, session, swarm } = prepare({ kind: 'library' })
  for (let index = 0; index <= 40; index++) store.arrive(index)
  const reader = createReader(session, { start: 3, end: bytes.length - 1 }, config)
  t.same(await readAll(reader), bytes.subarray(3, bytes.length - 1))
  t.equal(reader.source, 'library')
  t.same(swarm.joined, [], 'a complete library is read without the swarm')
  t.same(store.pinned, [])
  reader.close()
})

t.test('a missing piece is asked for with one piece ahead, and read when it is here', async (t) => {
  const { store, session, swarm } = prepare()
  const reader = createReader(session, { start: 0, end: bytes.length }, config)
  const reading = reader.read(Buffer.alloc(100), signal)
  await new Promise(setImmediate)
  t.same(swarm.wants.at(-1)?.windows, [{ first: 0, end: 2 }])
  session.noteVerified(0, 'seeder')
  t.equal(await reading, 100)
  t.equal(reader.source, 'seeder')
  t.ok(store.pinned.length > 0)
  reader.close()
  t.same(store.pinned, [])
})

t.test('the window grows with what the client took', async (t) => {
  const { store, session, swarm } = prepare()
  for (let index = 0; index < 8; index++) store.arrive(index)
  const reader = createReader(session, { start: 0, end: bytes.length }, config)
  for (let index = 0; index < 8; index++) {
    await reader.read(Buffer.alloc(PIECE), signal)
    reader.sent(PIECE)
  }
  const waiting = reader.read(Buffer.alloc(1), signal)
  await new Promise(setImmediate)
  t.same(swarm.wants.at(-1)?.windows, [{ first: 8, end: 16 }], 'as far ahead as was taken')
  session.noteVerified(8, 'stranger')
  await waiting
  t.equal(reader.source, 'peer')
  reader.close()
})

t.test('a piece that does not come says how far the swarm came', async (t) => {
  const table = [
    [0, 'SWARM_NO_PEERS', /phase: connecting; peers found 3, tried 2, connected 0/],
    [1, 'SWARM_TIMEOUT', /phase: downloading; peers found 3, tried 2, connected 1/]
  ] as const
  for (const [connected, code, message] of table) {
    const { session } = prepare({ connected })
    const reader = createReader(session, { start: 0, end: 10 }, { pieceTimeoutMs: 1 })
    await t.rejects(reader.ready(signal), { code, message })
    reader.close()
  }
})

t.test('a client that leaves and content that goes end the wait with their reason', async (t) => {
  const { session } = prepare()
  const reader = createReader(session, { start: 0, end: 10 }, config)
  const leaving = new AbortController()
  const waiting = reader.ready(leaving.signal)
  leaving.abort(new Error('left'))
  await t.rejects(waiting, { message: 'left' })
  const again = reader.ready(signal)
  await session.close(new Error('unpublished'))
  await t.rejects(again, { message: 'unpublished' })
  reader.close()
})

t.test('a claim that proves wrong is asked of the swarm though the window stays', async (t) => {
  const { store, session, swarm } = prepare()
  const bits = PieceBits.of(store.shared)
  bits.claim(0)
  store.prove = async (index) => {
    bits.clear(index)
    return false
  }
  session.join()
  const reader = createReader(session, { start: 0, end: 2 * PIECE }, config)
  const reading = reader.read(Buffer.alloc(100), signal)
  await turns()
  t.match(
    swarm.wants.map(({ windows }) => windows),
    [[], [{ first: 0, end: 2 }], [{ first: 0, end: 2 }]],
    'the second time the engine sees that the piece is missing'
  )
  session.noteVerified(0, 'seeder')
  t.equal(await reading, 100)
  reader.close()
})

t.test('what comes from different sources is not read at once', async (t) => {
  const { store, session } = prepare()
  store.arrive(0)
  const reader = createReader(session, { start: 0, end: 4 * PIECE }, config)
  await reader.ready(signal)
  for (const from of ['seeder', 'stranger', 'gateway'] as const) {
    session.noteVerified({ seeder: 1, stranger: 2, gateway: 3 }[from], from)
  }
  const seen: [string, number][] = []
  for (;;) {
    const count = await reader.read(Buffer.alloc(4 * PIECE), signal)
    if (count === 0) break
    seen.push([reader.source, count / PIECE])
  }
  t.same(seen[0], ['cache', 1], 'here before the reader came')
  t.same(seen[1], ['seeder', 1])
  t.equal(
    seen.reduce((sum, [, pieces]) => sum + pieces, 0),
    4
  )
  reader.close()
})

t.test('content that goes away ends the reading of what is on the disk too', async (t) => {
  const { store, session } = prepare({ kind: 'library' })
  for (let index = 0; index <= 40; index++) store.arrive(index)
  const reader = createReader(session, { start: 0, end: bytes.length }, config)
  await reader.read(Buffer.alloc(100), signal)
  await session.close(new Error('unpublished'))
  await t.rejects(reader.read(Buffer.alloc(100), signal), { message: 'unpublished' })
  reader.close()
})

t.test('a read that the disk never answers ends at the deadline', async (t) => {
  const { store, session } = prepare({ kind: 'library' })
  for (let index = 0; index <= 40; index++) store.arrive(index)
  store.read = () => new Promise(() => {})
  const reader = createReader(session, { start: 0, end: 10 }, { pieceTimeoutMs: 5 })
  await t.rejects(reader.read(Buffer.alloc(10), signal), { code: 'STORE_FAILED' })
  reader.close()
})

t.test('a piece that is seen before the word of its sender counts as the sender’s', async (t) => {
  const { store, session } = prepare()
  const reader = createReader(session, { start: 0, end: 2 * PIECE }, config)
  const first = reader.read(Buffer.alloc(PIECE), signal)
  await new Promise(setImmediate)
  store.arrive(0)
  setImmediate(() => session.noteVerified(0, 'seeder'))
  t.equal(await first, PIECE)
  t.equal(reader.source, 'seeder')
  store.arrive(1)
  setImmediate(() => session.noteVerified(1, 'seeder'))
  t.equal(await reader.read(Buffer.alloc(PIECE), signal), PIECE)
  t.equal(reader.source, 'seeder', 'also of one that was read ahead')
  reader.close()
})

t.test('one reader reads several spans, and gives nothing beyond each', async (t) => {
  const { store, session } = prepare({ kind: 'library' })
  for (let index = 0; index <= 40; index++) store.arrive(index)
  const reader = createReader(session, { start: 0, end: bytes.length }, config)
  for (const [start, end] of [
    [100_000, 200_000],
    [200_000, 200_001],
    [5, 90_000],
    [7, 7]
  ] as const) {
    reader.seek({ start, end })
    t.ok((await readAll(reader)).equals(bytes.subarray(start, end)), `${start}-${end}`)
  }
  reader.close()
})

t.test('a window goes on beyond the span to the end of the reach', async (t) => {
  const { session, swarm } = prepare()
  const reader = createReader(session, { start: 0, end: 4 * PIECE }, config)
  reader.seek({ start: 3 * PIECE, end: 3 * PIECE + 1 })
  reader.ready(signal).catch(() => {})
  await turns()
  t.same(swarm.wants.at(-1)?.windows, [{ first: 3, end: 4 }])
  reader.seek({ start: PIECE, end: PIECE + 1 })
  reader.ready(signal).catch(() => {})
  await turns()
  t.same(swarm.wants.at(-1)?.windows, [{ first: 1, end: 3 }])
  await session.close(new Error('over'))
  reader.close()
})

/** A reader that was given the first eight pieces, which the client took. */
async function readAhead(gap: number) {
  const { store, session, swarm } = prepare()
  for (let index = 0; index < 8; index++) store.arrive(index)
  const reader = createReader(session, { start: 0, end: bytes.length }, config)
  for (let index = 0; index < 8; index++) await reader.read(Buffer.alloc(PIECE), signal)
  reader.sent(6 * PIECE)
  reader.seek({ start: 8 * PIECE + gap, end: bytes.length })
  reader.sent(2 * PIECE)
  reader.ready(signal).catch(() => {})
  await turns()
  const window = swarm.wants.at(-1)?.windows[0]
  await session.close(new Error('over'))
  reader.close()
  return window
}

t.test('a jump makes the window small again, whatever is still on its way', async (t) => {
  t.same(await readAhead(10 * PIECE), { first: 18, end: 20 })
})

t.test('a gap of less than a piece is no jump', async (t) => {
  t.same(await readAhead(PIECE - 1), { first: 8, end: 16 })
})

t.test('a media file’s head and tail are wanted behind the window, once', async (t) => {
  const { session, swarm } = prepare()
  const reach = { start: 20 * PIECE, end: bytes.length }
  const readers = [1, 2].map(() => {
    const reader = createReader(session, reach, config)
    reader.foresee(0)
    return reader
  })
  t.same(swarm.wants, [], 'nothing before somebody reads')
  for (const reader of readers) {
    reader.ready(signal).catch(() => {})
    await turns()
  }
  t.same(swarm.wants.at(-1)?.windows, [
    { first: 20, end: 22 },
    { first: 0, end: 2, later: true },
    { first: 39, end: 41, later: true }
  ])
  await session.close(new Error('over'))
  for (const reader of readers) reader.close()
})

t.test('a thousand readers of one dead torrent leave nothing behind', async (t) => {
  const { store, session, swarm } = prepare()
  const stops = Array.from({ length: 1000 }, () => new AbortController())
  const listeners = countListeners(session.gone)
  const readers = stops.map(() => createReader(session, { start: 0, end: bytes.length }, config))
  const waits = readers.map((reader, at) => reader.ready(stops[at]?.signal ?? signal))
  await turns()
  t.equal(swarm.wants.length, 1)
  t.ok(listeners() <= 1000)
  for (const stop of stops) stop.abort(new Error('left'))
  const outcomes = await Promise.allSettled(waits)
  t.ok(outcomes.every(({ status }) => status === 'rejected'))
  for (const reader of readers) reader.close()
  t.equal(listeners(), 0)
  t.same(store.pinned, [])
  t.notOk(session.busy)
})

t.test('content that is all here is read without a message, also from a cache', async (t) => {
  const { store, session, swarm } = prepare()
  session.join()
  for (let index = 0; index <= 40; index++) store.arrive(index)
  let pins = 0
  const { pin } = store
  store.pin = (span, signal) => {
    pins++
    return pin(span, signal)
  }
  const reader = createReader(session, { start: 0, end: bytes.length }, config)
  for (;;) {
    const count = await reader.read(Buffer.alloc(PIECE), signal)
    if (count === 0) break
    reader.sent(count)
  }
  await turns()
  t.equal(swarm.wants.length, 1, 'that of joining')
  t.ok(pins < 20, `${pins} windows for 41 pieces`)
  reader.close()
  t.same(store.pinned, [])
})

t.test('a cache is read as far as it is pinned, and no further', async (t) => {
  const { store, session } = prepare()
  for (let index = 0; index <= 40; index++) store.arrive(index)
  const reads: number[] = []
  const { read } = store
  store.read = (span, target, signal) => {
    reads.push(span.end)
    t.ok(store.pinned.some(({ start, end }) => start <= span.start && span.end <= end))
    return read(span, target, signal)
  }
  const reader = createReader(session, { start: 0, end: bytes.length }, config)
  t.ok((await readAll(reader, bytes.length)).equals(bytes))
  t.equal(reads[0], 2 * PIECE)
  reader.close()
})

/** How many listeners the signal has more than before. */
function countListeners(signal: AbortSignal): () => number {
  let count = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count++
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    count--
    removeEventListener.apply(signal, args)
  }
  return () => count
}
