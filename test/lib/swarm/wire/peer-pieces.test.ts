import t from 'tap'
import { MAX_UNSETTLED_BYTES, PeerPieces } from '../../../../lib/swarm/wire/peer-pieces.ts'
import { WireError } from '../../../../lib/swarm/wire/wire-error.ts'

t.test('a bitfield is believed when its length and its spare bits are right', async (t) => {
  const pieces = new PeerPieces(10)
  pieces.setBits(Uint8Array.of(0b1010_0000, 0b0100_0000))
  t.same(
    [0, 1, 2, 9].map((index) => pieces.has(index)),
    [true, false, true, true]
  )
  t.equal(pieces.count, 3)
  t.throws(() => new PeerPieces(10).setBits(Uint8Array.of(0)), WireError, 'short')
  t.throws(() => new PeerPieces(10).setBits(new Uint8Array(3)), WireError, 'long')
  t.throws(() => new PeerPieces(10).setBits(Uint8Array.of(0, 1)), WireError, 'spare bit')
})

t.test('that it has nothing is told once, and first', async (t) => {
  const twice = new PeerPieces(8)
  twice.setAll()
  t.throws(() => twice.setNone(), WireError)
  const late = new PeerPieces(8)
  late.add(1)
  t.throws(() => late.setNone(), WireError, 'after a HAVE')
})

t.test('that it has everything now tells what is new', async (t) => {
  const pieces = new PeerPieces(4)
  t.equal(pieces.setNone(), undefined)
  pieces.add(2)
  t.same(pieces.setAll(), [0, 1, 3])
  const early = new PeerPieces(undefined)
  early.setNone()
  t.same(early.setAll(), [])
  early.settle(4)
  t.ok(early.all)
})

t.test('a HAVE is news once and never out of range', async (t) => {
  const pieces = new PeerPieces(2)
  t.ok(pieces.add(1))
  t.notOk(pieces.add(1))
  t.throws(() => pieces.add(2), WireError)
  t.throws(() => pieces.add(0xffff_ffff), WireError)
  t.notOk(pieces.all)
  pieces.add(0)
  t.ok(pieces.all)
})

t.test('a seed that loses a piece has the others', async (t) => {
  const pieces = new PeerPieces(9)
  pieces.setAll()
  t.ok(pieces.remove(4))
  t.notOk(pieces.remove(4))
  t.notOk(pieces.remove(9))
  t.equal(pieces.count, 8)
  t.notOk(pieces.all)
  t.same(
    [3, 4, 5].map((index) => pieces.has(index)),
    [true, false, true]
  )
})

t.test('before the metainfo is known everything is kept, bounded, and checked later', async (t) => {
  const pieces = new PeerPieces(undefined)
  pieces.setBits(Uint8Array.of(0b1000_0000))
  pieces.add(3)
  pieces.settle(4)
  t.equal(pieces.count, 2)
  const wrong = new PeerPieces(undefined)
  wrong.setBits(Uint8Array.of(0xff))
  t.throws(() => wrong.settle(4), WireError)
  const far = new PeerPieces(undefined)
  far.add(4)
  t.throws(() => far.settle(4), WireError)
  t.throws(
    () => new PeerPieces(undefined).setBits(new Uint8Array(MAX_UNSETTLED_BYTES + 1)),
    WireError
  )
  const flood = new PeerPieces(undefined)
  t.throws(() => {
    for (let index = 0; index < 1_000_000; index++) flood.add(index)
  }, WireError)
})

t.test('a bitfield in the place of HAVE tells what is new', async (t) => {
  const pieces = new PeerPieces(10)
  t.equal(pieces.setBits(Uint8Array.of(0b1000_0000, 0)), undefined)
  t.same(pieces.setBits(Uint8Array.of(0b0100_0001, 0b0100_0000)), [1, 7, 9])
  t.equal(pieces.count, 1, 'it is for `add` to count them')
  t.throws(() => pieces.setBits(Uint8Array.of(0, 1)), WireError, 'spare bit')
  t.throws(() => {
    for (let at = 0; at < 100; at++) pieces.setBits(Uint8Array.of(0, 0))
  }, WireError)
})
