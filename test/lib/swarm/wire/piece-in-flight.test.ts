import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { PieceInFlight } from '../../../../lib/swarm/wire/piece-in-flight.ts'
import { BLOCK_BYTES } from '../../../../lib/swarm/wire/request-queue.ts'

function fill(piece: PieceInFlight, block: number, bytes: Uint8Array, sender = 1): void {
  const target = piece.open(block, sender, 0)
  target?.set(bytes.subarray(block * BLOCK_BYTES, block * BLOCK_BYTES + target.byteLength))
  piece.arrived(block)
}

t.test('the digest is that of the bytes, in whatever order the blocks come', async (t) => {
  const bytes = randomBytes(40 * BLOCK_BYTES + 5)
  const piece = new PieceInFlight(0, new Uint8Array(bytes.byteLength))
  const order = Array.from({ length: 41 }, (_, block) => (block * 17) % 41)
  for (const block of order) fill(piece, block, bytes)
  t.ok(piece.complete)
  t.equal(piece.blockBytes(40), 5)
  t.ok(piece.digest().equals(createHash('sha1').update(bytes).digest()))
})

t.test('a block that is here is never written again', async (t) => {
  const piece = new PieceInFlight(0, new Uint8Array(2 * BLOCK_BYTES))
  t.ok(piece.open(0, 1, 0))
  t.equal(piece.open(0, 2, 0), undefined, 'one sender at a time')
  t.equal(piece.arrivingFrom(0), 1)
  piece.abandon(0)
  t.ok(piece.open(0, 2, 0), 'another one after that')
  piece.arrived(0)
  t.equal(piece.open(0, 1, 0), undefined)
  t.equal(piece.senderOf(0), 2)
})

t.test(
  'every block is offered to be asked for exactly once, and again when it is given back',
  async (t) => {
    const piece = new PieceInFlight(0, new Uint8Array(3 * BLOCK_BYTES))
    const asked: number[] = []
    for (let block = piece.nextUnasked(); block !== -1; block = piece.nextUnasked()) {
      piece.ask(block, 10)
      asked.push(block)
    }
    t.same(asked, [0, 1, 2])
    t.equal(piece.unasked, 0)
    piece.unask(1)
    t.equal(piece.nextUnasked(), 1)
    piece.ask(1, 20)
    piece.ask(1, 30)
    piece.unask(1)
    t.equal(piece.unasked, 0, 'one of two is still asked')
    piece.open(1, 9, 0)
    piece.arrived(1)
    piece.unask(1)
    t.equal(piece.unasked, 0, 'a block that is here is not asked for')
  }
)

t.test('a block that comes unasked counts as little as one that was asked', async (t) => {
  const piece = new PieceInFlight(0, new Uint8Array(2 * BLOCK_BYTES))
  piece.open(0, 1, 0)
  piece.arrived(0)
  t.equal(piece.unasked, 1)
  t.equal(piece.nextUnasked(), 1)
})

t.test('late is what was asked before a time, of fewer than so many', async (t) => {
  const piece = new PieceInFlight(0, new Uint8Array(3 * BLOCK_BYTES))
  piece.ask(0, 100)
  piece.ask(1, 200)
  t.equal(piece.nextLate(0, 150, 2), 0)
  t.equal(piece.nextLate(1, 150, 2), -1)
  t.equal(piece.nextLate(1, 200, 2), 1)
  piece.ask(0, 300)
  t.equal(piece.nextLate(0, 300, 2), 1, 'two are asked for the first')
})
