import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import { createPieceFiles } from '../../../lib/store/piece-files.ts'
import type { SharedPieces } from '../../../lib/store/shared-pieces.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const SIZE = 30

function setup(t: Test, kind: 'library' | 'cache', starts: readonly number[]) {
  const folder = testFolder(t)
  const memory = PieceBits.allocate(3, kind === 'cache' ? starts.length - 1 : 0)
  const shared: SharedPieces = {
    layout: { folder, starts: Float64Array.from(starts), kind },
    size: SIZE,
    pieceLength: 10,
    bits: memory
  }
  const descriptors = createDescriptors({ max: 2 })
  t.teardown(() => descriptors.close())
  const files = createPieceFiles(shared, descriptors)
  return { files, bits: PieceBits.of(shared), path: (k: number) => join(folder, String(k)) }
}

t.test('bytes are written and read across files, empty ones skipped', async (t) => {
  const { files, path } = setup(t, 'library', [0, 4, 4, 25, 30])
  for (const [k, length] of [
    [0, 4],
    [2, 21],
    [3, 5]
  ] as const) {
    writeFileSync(path(k), Buffer.alloc(length))
  }
  const bytes = Buffer.from(Array.from({ length: 28 }, (_, i) => i + 1))
  t.equal(await files.write(1, bytes), true)
  t.same(readFileSync(path(0)), Buffer.from([0, 1, 2, 3]))
  t.same(readFileSync(path(3)), Buffer.from([25, 26, 27, 28, 0]))
  t.equal(existsSync(path(1)), false)
  const target = Buffer.alloc(28)
  await files.read(1, target)
  t.same(target, bytes)
})

t.test('views are filled one after the other, across files and their borders', async (t) => {
  const { files, path } = setup(t, 'library', [0, 4, 4, 25, 30])
  for (const k of [0, 2, 3]) writeFileSync(path(k), Buffer.alloc(0))
  await files.write(0, Buffer.from(Array.from({ length: 30 }, (_, i) => i)))
  const views = [2, 0, 5, 18, 3].map((length) => Buffer.alloc(length))
  await files.readv(1, views)
  t.same(Buffer.concat(views), Buffer.from(Array.from({ length: 28 }, (_, i) => i + 1)))
  await files.readv(3, [])
})

t.test('a vectored read that misses a byte is a short read', async (t) => {
  const { files, path } = setup(t, 'library', [0, 10, 30])
  writeFileSync(path(0), Buffer.alloc(10))
  writeFileSync(path(1), Buffer.alloc(19))
  const views = () => [Buffer.alloc(5), Buffer.alloc(20)]
  await t.rejects(files.readv(5, views()), { code: 'STORE_SHORT_READ' })
  await files.readv(4, views())
  await t.rejects(files.readv(6, views()), RangeError)
  await t.rejects(files.readv(-1, views()), RangeError)
})

t.test('a file that ends too early or is missing is a short read', async (t) => {
  const { files, path } = setup(t, 'library', [0, 10, 30])
  writeFileSync(path(0), Buffer.alloc(9))
  await t.rejects(files.read(0, Buffer.alloc(10)), { code: 'STORE_SHORT_READ' })
  await t.rejects(files.read(10, Buffer.alloc(1)), { code: 'STORE_SHORT_READ' })
  await files.read(0, Buffer.alloc(9))
})

t.test('bytes outside the torrent are a mistake of the caller', async (t) => {
  const { files } = setup(t, 'library', [0, 30])
  await t.rejects(files.read(25, Buffer.alloc(6)), RangeError)
  await t.rejects(files.write(-1, Buffer.alloc(6)), RangeError)
})

const NO_FULL = existsSync('/dev/full') ? false : 'no /dev/full on this system'

t.test('a full disk is STORE_FULL', { skip: NO_FULL }, async (t) => {
  const { files, path } = setup(t, 'library', [0, 30])
  symlinkSync('/dev/full', path(0))
  await t.rejects(files.write(0, Buffer.alloc(30)), { code: 'STORE_FULL' })
})

t.test('a disk that fails otherwise is STORE_FAILED', async (t) => {
  const { files, path } = setup(t, 'library', [0, 30])
  mkdirSync(path(0))
  await t.rejects(files.write(0, Buffer.alloc(30)), { code: 'STORE_FAILED' })
  await t.rejects(files.read(0, Buffer.alloc(30)), { code: 'STORE_FAILED' })
})

t.test('a write into an extent that is not resident is refused and leaves no file', async (t) => {
  const { files, bits, path } = setup(t, 'cache', [0, 20, 30])
  bits.setResident(0, true)
  t.equal(await files.write(20, Buffer.alloc(10)), false)
  t.equal(await files.write(15, Buffer.alloc(10)), false)
  t.equal(existsSync(path(1)), false)
  t.equal(await files.write(0, Buffer.alloc(20, 7)), true)
  t.same(readFileSync(path(0)), Buffer.alloc(20, 7))
})

t.test('release closes the files of a span', async (t) => {
  const { files, bits, path } = setup(t, 'cache', [0, 20, 30])
  bits.setResident(0, true)
  bits.setResident(1, true)
  await files.write(0, Buffer.alloc(30, 1))
  writeFileSync(`${path(1)}.other`, Buffer.alloc(10, 2))
  renameSync(`${path(1)}.other`, path(1))
  await files.release({ start: 20, end: 30 })
  const target = Buffer.alloc(10)
  await files.read(20, target)
  t.same(target, Buffer.alloc(10, 2))
  await files.release()
})
