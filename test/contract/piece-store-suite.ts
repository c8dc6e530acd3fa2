/**
 * What every piece store does, run against the library and the cache by a test file of each.
 *
 * `open` gives a store of the torrent that is empty at first and keeps what it was given: a second
 * call with the same bench is a new life of the process on the same disk.
 */
import { open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Metainfo } from '../../core/metainfo.ts'
import type { Descriptors } from '../../lib/store/descriptors.ts'
import type { PieceStore } from '../../lib/store/piece-store.ts'
import { segmentAt } from '../../lib/store/segments.ts'
import { deliver, sampleTorrent } from '../fakes/sample-torrent.ts'
import { testFolder } from '../fakes/test-folder.ts'

/** One life of a process with one store on one disk. */
export interface StoreLife {
  readonly descriptors: Descriptors
  open(metainfo: Metainfo): Promise<PieceStore>
  close(): Promise<void>
}

/** Starts a life in `folder`. */
export type StartLife = (folder: string) => Promise<StoreLife>

const PIECE = 16 * 1024
const SIZE = 5 * PIECE + 1000
const ALL = { start: 0, end: SIZE }
const LATER = new AbortController().signal

const sample = () =>
  sampleTorrent({ size: SIZE, pieceLength: PIECE, files: [PIECE + 1, 0, 3 * PIECE, PIECE + 999] })

export function pieceStoreSuite(t: Test, start: StartLife): void {
  async function live(t: Test, folder = testFolder(t)): Promise<StoreLife> {
    const life = await start(folder)
    t.teardown(() => life.close())
    return life
  }

  async function opened(t: Test) {
    const torrent = sample()
    const folder = testFolder(t)
    const life = await live(t, folder)
    const store = await life.open(torrent.metainfo)
    t.teardown(() => store.close())
    const pin = await store.pin(ALL, LATER)
    t.teardown(() => pin[Symbol.dispose]())
    const put = (index: number) => deliver(store, index, torrent.piece(index), life.descriptors)
    return { torrent, folder, life, store, put, pin }
  }

  t.test('a new store has nothing', async (t) => {
    const { store } = await opened(t)
    t.equal(store.complete, false)
    t.equal(store.has(0), false)
    t.same(store.provenPrefix(ALL), { start: 0, end: 0 })
    t.equal(await store.prove(0, LATER), false)
  })

  t.test('a delivered piece is proven and reads back across file borders', async (t) => {
    const { store, torrent, put } = await opened(t)
    for (const index of [0, 1, 2]) await put(index)
    t.same(store.provenPrefix({ start: 10, end: SIZE }), { start: 10, end: 3 * PIECE })
    const target = Buffer.alloc(2 * PIECE)
    await store.read({ start: 100, end: 100 + 2 * PIECE }, target, LATER)
    t.ok(target.equals(torrent.bytes.subarray(100, 100 + 2 * PIECE)))
  })

  t.test('the proven prefix stops at the first hole and at the end of the span', async (t) => {
    const { store, put } = await opened(t)
    await put(1)
    await put(3)
    t.same(store.provenPrefix({ start: PIECE, end: SIZE }), { start: PIECE, end: 2 * PIECE })
    t.same(store.provenPrefix({ start: PIECE, end: PIECE + 5 }), { start: PIECE, end: PIECE + 5 })
    t.same(store.provenPrefix({ start: 0, end: SIZE }), { start: 0, end: 0 })
  })

  t.test('a store with every piece is complete, the short last one included', async (t) => {
    const { store, torrent, put } = await opened(t)
    for (let index = 0; index < 6; index++) await put(index)
    t.equal(store.complete, true)
    const target = Buffer.alloc(SIZE)
    await store.read(ALL, target, LATER)
    t.ok(target.equals(torrent.bytes))
  })

  t.test('bytes of a piece that is not proven are refused', async (t) => {
    const { store, put } = await opened(t)
    await put(0)
    const reading = store.read({ start: 0, end: PIECE + 1 }, Buffer.alloc(PIECE + 1), LATER)
    await t.rejects(reading, { code: 'STORE_SHORT_READ' })
  })

  t.test('who waits for a piece hears of it, and at once if it is there', async (t) => {
    const { store, put } = await opened(t)
    const waiting = Promise.all([store.whenProven(2, LATER), store.whenProven(2, LATER)])
    await put(2)
    await waiting
    await store.whenProven(2, LATER)
  })

  t.test('who stops waiting gets the reason of the signal', async (t) => {
    const { store } = await opened(t)
    const leaving = new AbortController()
    const waiting = store.whenProven(2, leaving.signal)
    const reason = new Error('client left')
    leaving.abort(reason)
    await t.rejects(waiting, reason)
    await t.rejects(store.whenProven(2, leaving.signal), reason)
    await t.rejects(store.prove(2, leaving.signal), reason)
  })

  t.test('who waits while the store closes is told', async (t) => {
    const { store, life } = await opened(t)
    const waiting = t.rejects(store.whenProven(2, LATER), { code: 'SHUTTING_DOWN' })
    await store.close()
    await life.close()
    await waiting
  })

  t.test('a new life claims what was flushed, and proves it before it reads', async (t) => {
    const { store, torrent, folder, life, put } = await opened(t)
    for (const index of [0, 1, 5]) await put(index)
    await store.flush()
    await store.close()
    await life.close()

    const again = await (await live(t, folder)).open(torrent.metainfo)
    t.same([0, 1, 2, 5].map(again.has), [true, true, false, true])
    t.same(again.provenPrefix(ALL), { start: 0, end: 0 })
    const early = again.read({ start: 0, end: 1 }, Buffer.alloc(1), LATER)
    await t.rejects(early, { code: 'STORE_SHORT_READ' })
    t.equal(await again.prove(0, LATER), true)
    const target = Buffer.alloc(PIECE)
    await again.read({ start: 0, end: PIECE }, target, LATER)
    t.ok(target.equals(torrent.piece(0)))
    await again.close()
  })

  t.test('proofs that run at the same time agree, whoever of them gives up', async (t) => {
    const { store, torrent, folder, life, put } = await opened(t)
    await put(0)
    await store.close()
    await life.close()

    const again = await (await live(t, folder)).open(torrent.metainfo)
    const impatient = new AbortController()
    const proofs = [
      again.prove(0, LATER),
      again.prove(0, impatient.signal).catch(() => 'left'),
      again.prove(0, LATER),
      again.whenProven(0, LATER)
    ]
    impatient.abort()
    t.same(await Promise.all(proofs), [true, 'left', true, undefined])
    await again.close()
  })

  t.test('a byte that changed on the disk is noticed and never leaves', async (t) => {
    const { store, torrent, folder, life, put } = await opened(t)
    await put(0)
    await put(1)
    await store.close()
    const { shared } = store
    await life.close()
    await flipByte(shared.layout.folder, shared.layout.starts, PIECE + 77)

    const next = await live(t, folder)
    const again = await next.open(torrent.metainfo)
    // The file differs from the ledger: claimed again or not, the wrong piece is never proven.
    t.equal(await again.prove(1, LATER), false)
    t.equal(again.has(1), false)
    const reading = again.read({ start: PIECE, end: 2 * PIECE }, Buffer.alloc(PIECE), LATER)
    await t.rejects(reading, { code: 'STORE_SHORT_READ' })
    await again.close()
  })

  t.test(
    'a claim that fails is withdrawn, in the ledger too, and may be fetched anew',
    async (t) => {
      const { store, torrent, folder, life, put } = await opened(t)
      await put(0)
      await put(1)
      // Before the ledger looks at the file: the claim survives, the content does not.
      await flipByte(store.shared.layout.folder, store.shared.layout.starts, PIECE + 5)
      await store.close()
      await life.close()

      const second = await live(t, folder)
      const claimed = await second.open(torrent.metainfo)
      t.equal(claimed.has(1), true)
      t.equal(await claimed.prove(1, LATER), false)
      t.equal(claimed.has(1), false)
      await claimed.close()
      await second.close()

      const third = await live(t, folder)
      const fresh = await third.open(torrent.metainfo)
      t.equal(fresh.has(1), false, 'the ledger forgot the claim')
      using _pin = await fresh.pin(ALL, LATER)
      t.equal(await deliver(fresh, 1, torrent.piece(1), third.descriptors), true)
      const target = Buffer.alloc(PIECE)
      await fresh.read({ start: PIECE, end: 2 * PIECE }, target, LATER)
      t.ok(target.equals(torrent.piece(1)))
      await fresh.close()
    }
  )

  t.test('all who open a torrent share one store, until the last has closed', async (t) => {
    const { store, torrent, life, put } = await opened(t)
    const other = await life.open(torrent.metainfo)
    await put(3)
    t.equal(other.has(3), true)
    await other.close()
    await other.close()
    t.equal(store.has(3), true)
    const target = Buffer.alloc(10)
    await store.read({ start: 3 * PIECE, end: 3 * PIECE + 10 }, target, LATER)
    t.ok(target.equals(torrent.piece(3).subarray(0, 10)))
  })

  t.test('a torrent of no bytes is complete from the start', async (t) => {
    const { metainfo } = sampleTorrent({ size: 0, pieceLength: PIECE })
    const store = await (await live(t)).open(metainfo)
    t.equal(store.complete, true)
    using _pin = await store.pin({ start: 0, end: 0 }, LATER)
    await store.read({ start: 0, end: 0 }, Buffer.alloc(0), LATER)
    await store.flush()
    await store.close()
  })
}

async function flipByte(folder: string, starts: Float64Array, offset: number): Promise<void> {
  const segment = segmentAt(starts, offset)
  const file = await openFile(join(folder, String(segment)), 'r+')
  const byte = Buffer.alloc(1)
  const at = offset - (starts[segment] ?? 0)
  await file.read(byte, 0, 1, at)
  await file.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, at)
  await file.close()
}
