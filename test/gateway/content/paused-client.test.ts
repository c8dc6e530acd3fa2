/** Readers over the real wire engine, with a peer that writes down which pieces it is asked for. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ByteSpan } from '../../../core/geometry.ts'
import { createReader } from '../../../gateway/content/reader.ts'
import { createSessions } from '../../../lib/node/sessions.ts'
import { openCache } from '../../../lib/store/cache.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { createSwarm } from '../../../lib/swarm/swarm.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { rawSeeder } from '../../lib/swarm/raw-seeder.ts'
import { makeContent, PIECE } from '../../lib/swarm/torrent-folder.ts'

const PIECES = 200
const signal = new AbortController().signal

/** A session whose only peer has everything; `asked` is what that was asked for. */
async function openSession(t: Test, answer: (index: number) => boolean = () => true) {
  const content = makeContent('paused', PIECES)
  const { infoHash, metainfo } = content
  const asked = new Map<number, number>()
  const seeder = await rawSeeder(content, (index, bytes) => {
    asked.set(index, (asked.get(index) ?? 0) + bytes.length)
    return answer(index) ? bytes : undefined
  })
  const descriptors = createDescriptors({ max: 16 })
  const folder = join(testFolder(t), 'gateway')
  const cache = await openCache(
    { folder, limitBytes: 2 ** 28 },
    { descriptors, log, evict: async () => {} }
  )
  const swarm = await createSwarm(
    { engine: 'wire', wireHost: '127.0.0.1', wirePort: 0, workers: 1 },
    { log }
  )
  const sessions = createSessions(
    { maxOpen: 4, idleMs: 60_000, sweepMs: 60_000 },
    {
      swarm,
      locate: () => cache.open(metainfo),
      fleetPeers: () => [{ host: '127.0.0.1', port: seeder.port, class: 'seeder' }],
      onJoin: () => {},
      onClosed: () => {},
      log
    }
  )
  const verified = new Set<number>()
  const checks = new Set<() => void>()
  swarm.on({
    verified(infoHash, index, from) {
      verified.add(index)
      sessions.get(infoHash)?.noteVerified(index, from)
      for (const check of checks) check()
    }
  })
  t.teardown(async () => {
    await sessions.close()
    await swarm.close()
    await cache.close()
    await descriptors.close()
    await seeder.close()
  })
  /** Resolves when all of these pieces are here. */
  function here(first: number, end: number): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        for (let index = first; index < end; index++) if (!verified.has(index)) return
        checks.delete(check)
        resolve()
      }
      checks.add(check)
      check()
    })
  }
  const session = await sessions.open(infoHash, signal)
  return { content, session, asked, here, swarm, infoHash }
}

async function readTo(reader: ReturnType<typeof createReader>, span: ByteSpan): Promise<Buffer> {
  const bytes = Buffer.alloc(span.end - span.start)
  for (let at = 0; at < bytes.length; ) {
    const count = await reader.read(bytes.subarray(at), signal)
    reader.sent(count)
    at += count
  }
  return bytes
}

const bytesOf = (asked: ReadonlyMap<number, number>) =>
  [...asked.values()].reduce((sum, bytes) => sum + bytes, 0)

t.test('a client that pauses costs the swarm its window and not a byte more', async (t) => {
  const { content, session, asked, here, swarm, infoHash } = await openSession(t)
  const reader = createReader(
    session,
    { start: 0, end: content.bytes.length },
    {
      pieceTimeoutMs: 60_000
    }
  )
  const end = 16 * PIECE
  t.ok((await readTo(reader, { start: 0, end })).equals(content.bytes.subarray(0, end)))
  await reader.ready(signal)
  // Sixteen pieces were taken: that many are fetched ahead, then nobody reads any more.
  await here(0, 32)
  await swarm.leave(infoHash)
  t.same(
    [...asked.keys()].toSorted((a, b) => a - b),
    Array.from({ length: 32 }, (_, k) => k)
  )
  t.equal(bytesOf(asked), 32 * PIECE, 'and each of them once')
  reader.close()
})

t.test('a client that takes nothing costs two pieces', async (t) => {
  const { content, session, asked, here, swarm, infoHash } = await openSession(t)
  const reader = createReader(
    session,
    { start: 0, end: content.bytes.length },
    {
      pieceTimeoutMs: 60_000
    }
  )
  await reader.ready(signal)
  await here(0, 2)
  await swarm.leave(infoHash)
  t.equal(bytesOf(asked), 2 * PIECE)
  reader.close()
})

t.test('pieces that were begun are finished when their reader leaves', async (t) => {
  const { content, session, asked, here, swarm, infoHash } = await openSession(t)
  const config = { pieceTimeoutMs: 60_000 }
  const spans = Array.from({ length: 10 }, (_, k) => ({ start: 3 * k * PIECE, end: 0 }))
  for (const { start } of spans) {
    const reader = createReader(session, { start, end: content.bytes.length }, config)
    reader.seek({ start, end: start + 2 })
    t.same(
      await readTo(reader, { start, end: start + 2 }),
      content.bytes.subarray(start, start + 2)
    )
    reader.close()
  }
  await Promise.all(spans.map(({ start }) => here(start / PIECE, start / PIECE + 2)))
  await swarm.leave(infoHash)
  t.equal(bytesOf(asked), 20 * PIECE, 'no byte was asked for twice')
})

t.test('a reader gets its piece though another’s large window came first', async (t) => {
  const { content, session, asked } = await openSession(t)
  const config = { pieceTimeoutMs: 60_000 }
  const large = createReader(session, { start: 0, end: content.bytes.length }, config)
  large.sent(150 * PIECE)
  const small = createReader(session, { start: 180 * PIECE, end: 182 * PIECE }, config)
  await Promise.all([large.ready(signal), small.ready(signal)])
  const order = [...asked.keys()]
  t.ok(order.indexOf(180) < 40, `it was asked for as number ${order.indexOf(180)} of 152`)
  large.close()
  small.close()
})
