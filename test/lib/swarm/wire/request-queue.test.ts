import fc from 'fast-check'
import t from 'tap'
import { MAX_OUTSTANDING, RequestQueue } from '../../../../lib/swarm/wire/request-queue.ts'

t.test('a request is there until it is taken, once', async (t) => {
  const queue = new RequestQueue()
  queue.push(7, 3, 1000)
  t.ok(queue.has(7, 3))
  t.equal(queue.size, 1)
  t.equal(queue.take(7, 3), 1000, 'when it was asked')
  t.equal(queue.take(7, 3), -1)
  t.equal(queue.size, 0)
})

t.test('what is no whole block is never found', async (t) => {
  const queue = new RequestQueue()
  queue.push(0, 0, 1)
  t.notOk(queue.has(0, 0.5))
  t.notOk(queue.has(0, 65_536))
  t.notOk(queue.has(0xffff_ffff, 0))
})

t.test('a lost request may still be taken, and says that it was lost', async (t) => {
  const queue = new RequestQueue()
  queue.push(1, 0, 5)
  queue.push(1, 1, 5)
  queue.take(1, 0)
  const lost: number[] = []
  queue.loseAll((_, block) => lost.push(block))
  queue.loseAll((_, block) => lost.push(block))
  t.same(lost, [1], 'each is lost once')
  const recovered: number[] = []
  queue.recoverAll((_, block) => recovered.push(block))
  t.same(recovered, [1])
  queue.loseAll(() => {})
  queue.take(1, 1)
  t.ok(queue.tookLost)
})

t.test('the queue holds what a list of requests would hold', async (t) => {
  const step = fc.record({
    push: fc.boolean(),
    piece: fc.integer({ min: 0, max: 4 }),
    block: fc.integer({ min: 0, max: 9 })
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3 * MAX_OUTSTANDING }), (steps) => {
      const queue = new RequestQueue()
      const model: string[] = []
      for (const { push, piece, block } of steps) {
        const key = `${piece} ${block}`
        if (push && queue.room > 0 && !model.includes(key)) {
          queue.push(piece, block, 1)
          model.push(key)
        } else if (!push) {
          const at = model.indexOf(key)
          t.equal(queue.take(piece, block) >= 0, at >= 0)
          if (at >= 0) model.splice(at, 1)
        }
      }
      const rest: string[] = []
      queue.takeIf(
        () => true,
        (piece, block) => rest.push(`${piece} ${block}`)
      )
      return queue.size === 0 && queue.room === MAX_OUTSTANDING && rest.join() === model.join()
    }),
    { numRuns: 50 }
  )
})
