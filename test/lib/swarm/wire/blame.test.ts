import t from 'tap'
import { createBlame } from '../../../../lib/swarm/wire/blame.ts'
import { PieceInFlight } from '../../../../lib/swarm/wire/piece-in-flight.ts'
import { BLOCK_BYTES } from '../../../../lib/swarm/wire/request-queue.ts'

/** A piece whose blocks came from `senders` and hold `bytes`. */
function piece(index: number, senders: readonly number[], bytes: readonly number[]) {
  const made = new PieceInFlight(index, new Uint8Array(senders.length * BLOCK_BYTES))
  for (const [block, sender] of senders.entries()) {
    made.open(block, sender, 0)?.fill(bytes[block] ?? 0)
    made.arrived(block)
  }
  return made
}

t.test('the one sender of a wrong piece is guilty at once', async (t) => {
  const blame = createBlame()
  t.same(blame.wrong(piece(0, [7, 7], [1, 2])), [7])
  t.notOk(blame.isSuspect(0))
})

t.test(
  'of several senders those are guilty whose blocks were other than the right ones',
  async (t) => {
    const blame = createBlame()
    t.same(blame.wrong(piece(3, [1, 2, 3, 2], [9, 2, 8, 2])), [])
    t.ok(blame.isSuspect(3))
    t.same(blame.right(piece(3, [4, 4, 4, 4], [1, 2, 3, 2])), [1, 3])
    t.notOk(blame.isSuspect(3))
    t.same(blame.right(piece(3, [4, 4, 4, 4], [1, 2, 3, 2])), [], 'told once')
  }
)

t.test(
  'who lies alone on the second try is guilty, and the first liars are still found',
  async (t) => {
    const blame = createBlame()
    blame.wrong(piece(3, [1, 2], [9, 2]))
    t.same(blame.wrong(piece(3, [5, 5], [7, 2])), [5])
    t.ok(blame.isSuspect(3))
    t.same(blame.right(piece(3, [2, 2], [1, 2])), [1])
  }
)

t.test('a block that several sent before is judged by its last sender', async (t) => {
  const blame = createBlame()
  const wrong = new PieceInFlight(0, new Uint8Array(2 * BLOCK_BYTES))
  wrong.open(0, 1, 0)?.fill(66)
  wrong.abandon(0)
  wrong.open(0, 2, 0)?.fill(1)
  wrong.arrived(0)
  wrong.open(1, 3, 0)?.fill(99)
  wrong.arrived(1)
  t.same(blame.wrong(wrong), [])
  t.same(blame.right(piece(0, [4, 4], [1, 2])), [3])
})

t.test('what is remembered is bounded', async (t) => {
  const blame = createBlame()
  for (let index = 0; index < 1000; index++) blame.wrong(piece(index, [1, 2], [9, 2]))
  t.notOk(blame.isSuspect(0))
  t.ok(blame.isSuspect(999))
})
