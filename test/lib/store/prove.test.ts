import { createHash } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { geometryOf } from '../../../core/geometry.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import { createPieceFiles } from '../../../lib/store/piece-files.ts'
import { isPiece, provePiece } from '../../../lib/store/prove.ts'
import { testFolder } from '../../fakes/test-folder.ts'

function setup(t: Test, size: number, pieceLength: number, tail: string) {
  const folder = testFolder(t)
  const geometry = geometryOf(size, pieceLength)
  const memory = PieceBits.allocate(geometry.pieceCount, 0)
  const bits = new PieceBits(memory, geometry.pieceCount, 0)
  const layout = { folder, starts: Float64Array.of(0, size), kind: 'library' as const }
  const descriptors = createDescriptors({ max: 2 })
  t.teardown(() => descriptors.close())
  const files = createPieceFiles({ layout, size, pieceLength, bits: memory }, descriptors)
  const fd = openSync(join(folder, '0'), 'w')
  ftruncateSync(fd, size)
  writeSync(fd, tail, size - tail.length)
  closeSync(fd)
  return { geometry, bits, files, fd: () => openSync(join(folder, '0'), 'r+') }
}

/** SHA-1 of `zeros` zero bytes and then `tail`. */
function hashOf(zeros: number, tail: string): Buffer {
  const hash = createHash('sha1')
  for (let left = zeros; left > 0; left -= 2 ** 20)
    hash.update(Buffer.alloc(Math.min(left, 2 ** 20)))
  return hash.update(tail).digest()
}

t.test('a claim that matches is proven, one that does not is cleared', async (t) => {
  const { geometry, bits, files } = setup(t, 150, 100, 'end')
  const pieces = Buffer.concat([hashOf(100, ''), hashOf(48, 'end')])
  bits.claim(0)
  bits.claim(1)
  t.equal(await provePiece(files, { geometry, pieces }, bits, 0), true)
  t.equal(bits.isProven(0), true)
  t.equal(await provePiece(files, { geometry, pieces }, bits, 1), false)
  t.equal(bits.has(1), false)
})

t.test('a piece whose file is too short is not there', async (t) => {
  const { geometry, bits, files, fd } = setup(t, 150, 100, 'end')
  const file = fd()
  ftruncateSync(file, 99)
  closeSync(file)
  bits.claim(0)
  t.equal(await provePiece(files, { geometry, pieces: hashOf(100, '') }, bits, 0), false)
})

t.test('a piece too big for one buffer is hashed in parts', async (t) => {
  const size = 17 * 2 ** 20 + 5
  const { geometry, bits, files } = setup(t, size, 32 * 2 ** 20, 'tail')
  bits.claim(0)
  const pieces = hashOf(size - 4, 'tail')
  t.equal(await provePiece(files, { geometry, pieces }, bits, 0), true)
  t.equal(await provePiece(files, { geometry, pieces: hashOf(size, '') }, bits, 0), false)
})

t.test('bytes of the wrong length are no piece', async (t) => {
  const hashes = { geometry: geometryOf(10, 10), pieces: hashOf(10, '') }
  t.equal(await isPiece(hashes, 0, new Uint8Array(10)), true)
  t.equal(await isPiece(hashes, 0, new Uint8Array(9)), false)
})
