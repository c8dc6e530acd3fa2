/** Pieces on disk, as the engine reads and writes them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { createDiskJobs } from '../../../lib/store/disk-jobs.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import { createPieceKeeper } from '../../../lib/swarm/piece-keeper.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { makeContent, makeFolder, NOTHING, PIECE, pieceOf } from './torrent-folder.ts'

async function open(dir: string, name: string, full: boolean) {
  const content = makeContent(name, 4)
  const folder = await makeFolder(content, join(dir, name), { full })
  const descriptors = createDescriptors({ max: 4 })
  const lost: number[] = []
  const troubles: string[] = []
  const keeper = createPieceKeeper(
    content.metainfo,
    folder.torrent(NOTHING).pieces,
    { descriptors, jobs: createDiskJobs() },
    {
      onLost: (index) => void lost.push(index),
      onTrouble: (text) => void troubles.push(text)
    }
  )
  return { content, folder, keeper, lost, troubles, close: () => descriptors.close() }
}

t.test('a claimed piece is hashed before its first byte is read', async (t) => {
  const { content, folder, keeper, close } = await open(testFolder(t), 'claimed', true)
  t.notOk(folder.bits.isProven(2))
  const bytes = await keeper.read(2, 100, 50)
  t.ok(Buffer.from(bytes ?? []).equals(pieceOf(content, 2).subarray(100, 150)))
  t.ok(folder.bits.isProven(2))
  await close()
})

t.test('a claim that is wrong is lost, once, and nothing is read', async (t) => {
  const { folder, keeper, lost, close } = await open(testFolder(t), 'wrong', true)
  await writeFile(folder.file, Buffer.alloc(4 * PIECE))
  const reads = await Promise.all([0, 1, 2, 3].map((at) => keeper.read(1, at * 100, 100)))
  t.same(reads, [undefined, undefined, undefined, undefined])
  t.same(lost, [1])
  t.notOk(folder.bits.has(1))
  await close()
})

t.test('a proven piece whose bytes vanished is lost', async (t) => {
  const { folder, keeper, lost, close } = await open(testFolder(t), 'short', true)
  await keeper.read(3, 0, 10)
  await writeFile(folder.file, Buffer.alloc(10))
  t.equal(await keeper.read(3, 0, 10), undefined)
  t.same(lost, [3])
  await close()
})

t.test('a written piece is proven, and on the disk before that', async (t) => {
  const { content, folder, keeper, close } = await open(testFolder(t), 'written', false)
  t.equal(await keeper.write(1, pieceOf(content, 1)), 'written')
  t.ok(folder.bits.isProven(1))
  t.ok(pieceOf(content, 1, await folder.read()).equals(pieceOf(content, 1)))
  t.equal(keeper.pendingBytes, 0)
  await close()
})

t.test('a disk that fails is trouble, not an exception', async (t) => {
  const { content, folder, keeper, troubles, close } = await open(testFolder(t), 'failing', false)
  const pieces = folder.torrent(NOTHING).pieces
  const gone = createPieceKeeper(
    content.metainfo,
    { ...pieces, layout: { ...pieces.layout, folder: '/nonexistent/folder' } },
    { descriptors: createDescriptors({ max: 1 }), jobs: createDiskJobs() },
    { onLost: () => {}, onTrouble: (text) => void troubles.push(text) }
  )
  t.equal(await gone.write(0, pieceOf(content, 0)), 'failed')
  t.equal(troubles.length, 1)
  t.notOk(folder.bits.has(0))
  await keeper.close()
  await close()
})

t.test('evicting waits for what is in use, and refuses what comes meanwhile', async (t) => {
  const { content, folder, keeper, close } = await open(testFolder(t), 'evicted', true)
  const reading = keeper.read(0, 0, 10)
  const writing = keeper.write(1, pieceOf(content, 1))
  const order: string[] = []
  void reading.then(() => order.push('read'))
  void writing.then(() => order.push('written'))
  const evicting = keeper.evict(0, 2).then(() => order.push('evicted'))
  t.equal(await keeper.read(1, 0, 10), undefined)
  t.equal(await keeper.write(0, pieceOf(content, 0)), 'absent')
  t.ok(await keeper.read(2, 0, 10), 'other pieces are still served')
  await evicting
  t.equal(order.at(-1), 'evicted')
  t.equal(await writing, 'absent', 'a write under way proves nothing any more')
  t.notOk(folder.bits.isProven(1))
  await close()
})

t.test('a cache extent that is not resident takes no piece', async (t) => {
  const content = makeContent('cache', 2)
  const folder = testFolder(t)
  const memory = PieceBits.allocate(2, 1)
  const bits = new PieceBits(memory, 2, 1)
  const descriptors = createDescriptors({ max: 2 })
  const { size, pieceLength } = content.metainfo.geometry
  const starts = Float64Array.of(0, size)
  const keeper = createPieceKeeper(
    content.metainfo,
    { layout: { folder, starts, kind: 'cache' }, size, pieceLength, bits: memory },
    { descriptors, jobs: createDiskJobs() },
    { onLost: () => {}, onTrouble: () => {} }
  )
  t.equal(await keeper.write(0, pieceOf(content, 0)), 'absent')
  bits.setResident(0, true)
  t.equal(await keeper.write(0, pieceOf(content, 0)), 'written')
  await keeper.close()
  t.equal(await keeper.read(0, 0, 1), undefined, 'a closed keeper reads nothing')
  await descriptors.close()
})

/** Views of these lengths, and what they hold as one. */
function views(...lengths: number[]) {
  const parts = lengths.map((length) => Buffer.alloc(length))
  return { parts, bytes: () => Buffer.concat(parts) }
}

t.test('a run is read across pieces, each of them proven first', async (t) => {
  const { content, folder, keeper, close } = await open(testFolder(t), 'run', true)
  const { parts, bytes } = views(100, PIECE, 50)
  t.equal(await keeper.readRun(PIECE - 30, parts), true)
  t.ok(bytes().equals(content.bytes.subarray(PIECE - 30, 2 * PIECE + 120)))
  t.same(
    [0, 1, 2, 3].map((index) => folder.bits.isProven(index)),
    [true, true, true, false]
  )
  await close()
})

t.test('a run with a wrong piece in it is not there, and only that piece is lost', async (t) => {
  const { content, folder, keeper, lost, close } = await open(testFolder(t), 'bad run', true)
  await writeFile(folder.file, Buffer.from(content.bytes).fill(7, PIECE, PIECE + 1))
  const runs = [0, 1, 2].map((at) => keeper.readRun(at, views(2 * PIECE).parts))
  t.same(await Promise.all(runs), [false, false, false])
  t.same(lost, [1])
  t.equal(await keeper.readRun(0, views(PIECE).parts), true)
  await close()
})

t.test('of a proven run whose bytes vanished the wrong pieces are lost', async (t) => {
  const { content, folder, keeper, lost, close } = await open(testFolder(t), 'gone run', true)
  t.equal(await keeper.readRun(0, views(3 * PIECE).parts), true)
  await writeFile(folder.file, content.bytes.subarray(0, PIECE + 10))
  t.equal(await keeper.readRun(10, views(2 * PIECE).parts), false)
  t.same(lost, [1, 2])
  t.ok(folder.bits.isProven(0), 'hashed again')
  await close()
})

t.test('evicting waits for a run, and a run that touches it is refused', async (t) => {
  const { keeper, close } = await open(testFolder(t), 'evicted run', true)
  const order: string[] = []
  const run = keeper.readRun(PIECE / 2, views(PIECE).parts)
  void run.then(() => order.push('read'))
  const evicting = keeper.evict(1, 2).then(() => order.push('evicted'))
  t.equal(await keeper.readRun(PIECE / 2, views(PIECE).parts), false)
  t.equal(await keeper.readRun(0, views(PIECE).parts), true)
  await evicting
  t.equal(await run, true)
  t.same(order, ['read', 'evicted'])
  await close()
})
