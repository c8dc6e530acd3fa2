import t from 'tap'
import { AppError } from '../../../core/errors.ts'
import { type PieceSpan, pieceAt } from '../../../core/geometry.ts'
import { createDiskJobs } from '../../../lib/store/disk-jobs.ts'
import type { LedgerKeeper } from '../../../lib/store/ledger-keeper.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import type { PieceFiles } from '../../../lib/store/piece-files.ts'
import { createStoredPieces } from '../../../lib/store/stored-pieces.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog } from '../../fakes/silent-log.ts'

const PIECE = 16 * 1024
const LATER = new AbortController().signal

/** Four pieces in memory instead of on a disk; `disk.before` may fail or delay a read. */
function setup() {
  const torrent = sampleTorrent({ size: 4 * PIECE, pieceLength: PIECE })
  const { metainfo, bytes } = torrent
  const memory = PieceBits.allocate(4, 0)
  const bits = new PieceBits(memory, 4, 0)
  const disk = { reads: [] as number[], before: async (_index: number) => {} }
  const withdrawn: PieceSpan[] = []
  const written: number[] = []
  const files: PieceFiles = {
    async read(offset, target) {
      disk.reads.push(pieceAt(metainfo.geometry, offset))
      await disk.before(pieceAt(metainfo.geometry, offset))
      target.set(bytes.subarray(offset, offset + target.byteLength))
    },
    readv: async () => {},
    write: async () => true,
    release: async () => {}
  }
  const keeper: LedgerKeeper = {
    noteWritten: (size) => void written.push(size),
    withdraw: (pieces) => void withdrawn.push(pieces),
    forgetSegment: () => {},
    settledRecord: () => undefined,
    noteUse: () => {},
    flush: async () => {},
    close: async () => {},
    abandon: async () => {}
  }
  const layout = { folder: '', starts: Float64Array.of(0, 4 * PIECE), kind: 'library' as const }
  const shared = { layout, size: 4 * PIECE, pieceLength: PIECE, bits: memory }
  const store = createStoredPieces(
    { metainfo, kind: 'library', shared },
    { bits, files, keeper, jobs: createDiskJobs(), log: silentLog }
  )
  return { store, bits, disk, withdrawn, written, bytes }
}

t.test('however many ask for proof of a piece, it is hashed once', async (t) => {
  const { store, bits, disk } = setup()
  bits.claim(2)
  const proofs = await Promise.all(Array.from({ length: 20 }, () => store.prove(2, LATER)))
  t.ok(proofs.every((proven) => proven))
  t.equal(await store.prove(2, LATER), true)
  t.same(disk.reads, [2])
})

t.test('a piece that is missing is not hashed', async (t) => {
  const { store, disk } = setup()
  t.equal(await store.prove(1, LATER), false)
  t.equal(await store.prove(99, LATER), false)
  t.same(disk.reads, [])
})

t.test('a hundred readers that leave are all forgotten', async (t) => {
  const { store } = setup()
  const leaving = new AbortController()
  const waits = Array.from({ length: 100 }, () => store.whenProven(0, leaving.signal))
  t.equal(store.waiting, 100)
  const settled = Promise.allSettled(waits)
  leaving.abort(new Error('left'))
  await settled
  t.equal(store.waiting, 0)
})

t.test('a disk that cannot be asked now does not cost a claim', async (t) => {
  const { store, bits, disk, withdrawn } = setup()
  bits.claim(1)
  disk.before = async () => {
    throw new AppError('STORE_FAILED', 'too many open files')
  }
  await t.rejects(store.prove(1, LATER), { code: 'STORE_FAILED' })
  t.equal(bits.has(1), true)
  disk.before = async () => {}
  t.equal(await store.prove(1, LATER), true)
  t.same(withdrawn, [])
})

t.test('bytes that are gone cost the pieces concerned their bits', async (t) => {
  const { store, bits, disk, withdrawn } = setup()
  for (const index of [0, 1, 2]) bits.prove(index)
  disk.before = async () => {
    throw new AppError('STORE_SHORT_READ', 'gone')
  }
  const span = { start: PIECE - 1, end: 2 * PIECE }
  await t.rejects(store.read(span, Buffer.alloc(PIECE + 1), LATER), { code: 'STORE_SHORT_READ' })
  t.same([0, 1, 2].map(store.has), [false, false, true])
  t.same(withdrawn, [
    { first: 0, end: 1 },
    { first: 1, end: 2 }
  ])
})

t.test('a piece evicted while it is hashed stays gone', async (t) => {
  const { store, bits, disk } = setup()
  bits.claim(3)
  disk.before = async (index) => bits.clear(index)
  t.equal(await store.prove(3, LATER), false)
  t.equal(store.has(3), false)
})

t.test('what an engine found wrong is withdrawn, even if it is back already', async (t) => {
  const { store, bits, withdrawn } = setup()
  store.noteFailed(1)
  bits.prove(2)
  store.noteFailed(2)
  t.same(withdrawn, [
    { first: 1, end: 2 },
    { first: 2, end: 3 }
  ])
})

t.test('a message about a piece that has gone since wakes nobody', async (t) => {
  const { store, bits, written } = setup()
  const leaving = new AbortController()
  const waiting = store.whenProven(0, leaving.signal)
  store.noteVerified(0)
  t.equal(store.waiting, 1)
  t.same(written, [])
  bits.prove(0)
  store.noteVerified(0)
  await waiting
  t.same(written, [PIECE])
})

t.test('an unclaimed piece whose bytes are right is found by hashing it', async (t) => {
  const { store, bits, bytes } = setup()
  const waiting = store.whenProven(1, LATER)
  t.equal(await store.rehash(1, LATER), true)
  await waiting
  t.equal(bits.isProven(1), true)
  bytes.fill(0, 2 * PIECE, 2 * PIECE + 1)
  bytes.fill(1, 2 * PIECE + 1, 2 * PIECE + 2)
  t.equal(await store.rehash(2, LATER), false)
  t.equal(bits.has(2), false)
})

t.test('a target that is too short is refused before anything is read', async (t) => {
  const { store, disk } = setup()
  const reading = store.read({ start: 0, end: 10 }, Buffer.alloc(9), LATER)
  await t.rejects(reading, RangeError)
  t.same(disk.reads, [])
})
