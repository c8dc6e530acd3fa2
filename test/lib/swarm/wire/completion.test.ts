import t from 'tap'
import type { WriteOutcome } from '../../../../lib/swarm/piece-keeper.ts'
import { createBufferPool } from '../../../../lib/swarm/wire/buffer-pool.ts'
import { createCompletion } from '../../../../lib/swarm/wire/completion.ts'
import { PieceInFlight } from '../../../../lib/swarm/wire/piece-in-flight.ts'
import { BLOCK_BYTES } from '../../../../lib/swarm/wire/request-queue.ts'
import { type SampleTorrent, sampleTorrent } from '../../../fakes/sample-torrent.ts'

const PIECE = 4 * BLOCK_BYTES

function rig(outcome: () => Promise<WriteOutcome> = async () => 'written') {
  const sample = sampleTorrent({ size: 4 * PIECE, pieceLength: PIECE })
  const told: string[] = []
  const pool = createBufferPool({ limitBytes: 100 * PIECE })
  const completion = createCompletion({
    metainfo: sample.metainfo,
    keeper: { write: outcome },
    pool,
    classOf: (serial) => (serial < 10 ? 'seeder' : serial < 20 ? 'gateway' : 'stranger'),
    events: {
      verified: (index, from) => told.push(`verified ${index} ${from}`),
      failed: (index) => told.push(`failed ${index}`),
      guilty: (serial) => told.push(`guilty ${serial}`),
      settled: (again) => told.push(again ? 'again' : 'room')
    }
  })
  return { sample, told, pool, completion }
}

/** The piece as its senders gave it; `lie` sends its blocks wrong. */
function pieceFrom(
  { sample, pool }: { sample: SampleTorrent; pool: ReturnType<typeof createBufferPool> },
  index: number,
  senders: readonly number[],
  lie?: number
): PieceInFlight {
  const bytes = pool.take(PIECE, 'ahead')
  if (bytes === undefined) throw new Error('no memory')
  const piece = new PieceInFlight(index, bytes)
  for (let block = 0; block < 4; block++) {
    const sender = senders[block % senders.length] ?? 0
    const target = piece.open(block, sender, 0)
    target?.set(sample.piece(index).subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES))
    if (sender === lie && target !== undefined) target[5] = (target[5] ?? 0) ^ 1
    piece.arrived(block)
  }
  return piece
}

t.test(
  'a right piece is held while it is written, then told with who sent most of it',
  async (t) => {
    const write = Promise.withResolvers<WriteOutcome>()
    const all = rig(() => write.promise)
    all.completion.finish(pieceFrom(all, 1, [15, 15, 3, 15]))
    t.ok(all.completion.holds(1))
    t.same(all.told, [])
    t.equal(all.pool.usedBytes, PIECE)
    write.resolve('written')
    await all.completion.close()
    t.same(all.told, ['verified 1 gateway', 'room'])
    t.notOk(all.completion.holds(1))
    t.equal(all.pool.usedBytes, 0)
  }
)

t.test('of equal parts the origin is said to have sent it', async (t) => {
  const all = rig()
  all.completion.finish(pieceFrom(all, 0, [25, 3]))
  await all.completion.close()
  t.equal(all.told[0], 'verified 0 seeder')
})

t.test('a wrong piece is free at once, and its liar found when it comes right', async (t) => {
  const all = rig()
  all.completion.finish(pieceFrom(all, 2, [1, 2], 2))
  t.same(all.told, ['failed 2', 'again'])
  t.equal(all.pool.usedBytes, 0)
  t.ok(all.completion.isSuspect(2))
  t.notOk(all.completion.holds(2))
  all.completion.finish(pieceFrom(all, 2, [1]))
  await all.completion.close()
  t.same(all.told.slice(2), ['guilty 2', 'verified 2 seeder', 'room'])
})

t.test('what the disk does not take is held for a while and then asked for again', async (t) => {
  const all = rig(async () => 'absent')
  const begun = Date.now()
  all.completion.finish(pieceFrom(all, 3, [1]))
  await all.completion.close()
  t.same(all.told, ['room'], 'nobody is told of it')
  t.ok(all.completion.holds(3))
  all.completion.tick(begun + 1000)
  t.ok(all.completion.holds(3))
  all.completion.tick(Date.now() + 3000)
  t.notOk(all.completion.holds(3))
  t.equal(all.told.at(-1), 'again')
})

t.test('a write that throws is one the disk did not take', async (t) => {
  const all = rig(() => Promise.reject(new Error('no such disk')))
  all.completion.finish(pieceFrom(all, 3, [1]))
  await all.completion.close()
  t.ok(all.completion.holds(3))
  t.equal(all.pool.usedBytes, 0)
  all.completion.retry()
  t.notOk(all.completion.holds(3))
})
