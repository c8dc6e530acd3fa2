import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { InfoHash } from '../../../core/info-hash.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import type { DiskSpace } from '../../../lib/store/disk-space.ts'
import { createDurableDisk } from '../../../lib/store/durable-disk.ts'
import { type Library, openLibrary } from '../../../lib/store/library.ts'
import type { Sidecar } from '../../../lib/store/metainfo-file.ts'
import { fakeSpace } from '../../fakes/disk-space.ts'
import { recordingDisk, systemError } from '../../fakes/recording-disk.ts'
import { deliver, type SampleTorrent, sampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const PIECE = 16 * 1024
const NO_PROC = existsSync('/proc/self/fd') ? false : 'no /proc on this system'
const LATER = new AbortController().signal

const small = () => sampleTorrent({ size: 3 * PIECE + 7, pieceLength: PIECE })
const folderOf = (files: readonly number[]) =>
  sampleTorrent({ size: files.reduce((a, b) => a + b, 0), pieceLength: PIECE, files })
const sidecarOf = ({ metainfo }: SampleTorrent): Sidecar => ({
  files: metainfo.files.map(({ size }) => ({ sha256: 'ab'.repeat(32), crc32: size })),
  createdAt: 1_700_000_000_123
})

interface LifeOptions {
  readonly space?: DiskSpace
  readonly watchMs?: number
}

async function life(t: Test, folder: string, { space, watchMs = 60_000 }: LifeOptions = {}) {
  const descriptors = createDescriptors({ max: 4 })
  const disk = recordingDisk(createDurableDisk(descriptors))
  const library = await openLibrary(
    { folder, watchMs },
    { descriptors, disk, log: silentLog, ...(space && { space }) }
  )
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= library.close().then(() => descriptors.close())
    return closed
  }
  t.teardown(close)
  return { library, descriptors, disk, close }
}

async function publish(library: Library, torrent: SampleTorrent, id = 'upload') {
  const staging = await library.stage(id)
  for (const { index, offset, size } of torrent.metainfo.files) {
    writeFileSync(staging.filePath(index), torrent.bytes.subarray(offset, offset + size))
  }
  return staging.publish(torrent.metainfo, sidecarOf(torrent))
}

function placeOf(folder: string, infoHash: InfoHash): string {
  return join(folder, 'library', infoHash.slice(0, 2), infoHash)
}

async function readAll(library: Library, { metainfo, bytes }: SampleTorrent): Promise<boolean> {
  const store = await library.open(metainfo.infoHash)
  if (store === undefined) return false
  try {
    const target = Buffer.alloc(bytes.byteLength)
    for (let index = 0; index < metainfo.geometry.pieceCount; index++) {
      if (!(await store.prove(index, LATER))) return false
    }
    await store.read({ start: 0, end: bytes.byteLength }, target, LATER)
    return target.equals(bytes)
  } finally {
    await store.close()
  }
}

t.test('a published torrent has exactly its files, its metainfo and its ledger', async (t) => {
  const folder = testFolder(t)
  const { library } = await life(t, folder)
  const torrent = folderOf([PIECE, 0, 2 * PIECE])
  const { infoHash } = torrent.metainfo
  t.equal(await publish(library, torrent), 'stored')
  t.same(readdirSync(placeOf(folder, infoHash)).sort(), ['files', 'ledger', 'metainfo'])
  t.same(readdirSync(join(placeOf(folder, infoHash), 'files')).sort(), ['0', '1', '2'])
  t.same(readdirSync(join(folder, 'staging')), [])
  t.same([...library.list()], [infoHash])
  t.equal(library.complete(infoHash), true)
  t.equal(await readAll(library, torrent), true)
})

t.test('nothing of a torrent appears before its bytes and names are durable', async (t) => {
  const folder = testFolder(t)
  const { library, disk } = await life(t, folder)
  const torrent = folderOf([PIECE, PIECE])
  const { infoHash } = torrent.metainfo
  await publish(library, torrent)
  const steps = disk.steps
  const moved = steps.indexOf('rename upload')
  const before = [
    'syncData files/0',
    'syncData files/1',
    'syncFolder files',
    'writeSynced metainfo'
  ]
  for (const step of [...before, 'writeSynced ledger', 'syncFolder upload', 'syncFolder library']) {
    t.ok(steps.includes(step) && steps.indexOf(step) < moved, step)
  }
  t.equal(steps[moved + 1], `syncFolder ${infoHash.slice(0, 2)}`)
})

t.test('a publish that fails at any step leaves no torrent, and works when repeated', async (t) => {
  const folder = testFolder(t)
  const { library, disk } = await life(t, folder)
  const torrent = folderOf([PIECE, PIECE])
  const { infoHash } = torrent.metainfo
  const attempt = (step: number) => {
    let countdown = step
    disk.before = () => {
      if (countdown-- === 0) throw systemError('ENOSPC')
    }
    return publish(library, torrent, `try-${step}`).catch((err) => err)
  }
  let step = 0
  for (let outcome = await attempt(0); outcome !== 'stored'; outcome = await attempt(++step)) {
    t.equal(outcome.code, 'STORE_FULL')
    t.equal(library.has(infoHash), false)
  }
  t.equal(step, 9, 'the steps that can fail')
  t.equal(await readAll(library, torrent), true)
})

t.test('details give the info dictionary and what the catalogue needs', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = small()
  await publish(first.library, torrent)
  await first.close()
  const { library } = await life(t, folder)
  const details = await library.details(torrent.metainfo.infoHash)
  t.same(Buffer.from(details?.info ?? []), Buffer.from(torrent.metainfo.info))
  t.same(details?.sidecar, sidecarOf(torrent))
  t.equal(await library.details(small().metainfo.infoHash), undefined)
})

t.test('a torrent published again is known, and its staging is gone', async (t) => {
  const folder = testFolder(t)
  const { library } = await life(t, folder)
  const torrent = small()
  await publish(library, torrent)
  t.equal(await publish(library, torrent, 'again'), 'known')
  t.same(readdirSync(join(folder, 'staging')), [])
  t.equal(await readAll(library, torrent), true)
})

t.test('an upload completes a torrent that is being fetched', async (t) => {
  const folder = testFolder(t)
  const { library, descriptors } = await life(t, folder)
  const torrent = small()
  const { infoHash } = torrent.metainfo
  const store = await library.create(torrent.metainfo)
  await deliver(store, 1, torrent.piece(1), descriptors)
  const completed = new Promise((resolve) => library.onComplete(resolve))
  t.equal(await publish(library, torrent), 'known')
  t.equal(await completed, infoHash)
  t.equal(store.complete, true)
  t.equal(await readAll(library, torrent), true)
  t.same((await library.details(infoHash))?.sidecar, sidecarOf(torrent))
  await store.close()
})

t.test('a staged file of the wrong size is refused', async (t) => {
  const { library } = await life(t, testFolder(t))
  const torrent = small()
  const staging = await library.stage('short')
  writeFileSync(staging.filePath(0), torrent.bytes.subarray(1))
  const publishing = staging.publish(torrent.metainfo, sidecarOf(torrent))
  await t.rejects(publishing, { code: 'STORE_FAILED' })
  t.equal(library.has(torrent.metainfo.infoHash), false)
  await staging.discard()
  await staging.discard()
  await t.rejects(library.stage('../escape'), RangeError)
})

t.test('an empty torrent is fetched, complete, and complete after a restart', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = folderOf([10, 3 * PIECE, 0, 90])
  const { infoHash, geometry } = torrent.metainfo
  const store = await first.library.create(torrent.metainfo)
  t.equal(first.library.complete(infoHash), false)
  const completed = new Promise((resolve) => first.library.onComplete(resolve))
  for (let index = 0; index < geometry.pieceCount; index++) {
    await deliver(store, index, torrent.piece(index), first.descriptors)
  }
  t.equal(await completed, infoHash)
  await store.close()
  await first.close()

  const { library } = await life(t, folder)
  t.equal(library.complete(infoHash), true)
  t.equal(await readAll(library, torrent), true)
})

t.test('a torrent is not complete before its ledger says so', async (t) => {
  const { library, descriptors, disk } = await life(t, testFolder(t))
  const torrent = small()
  const { infoHash } = torrent.metainfo
  const store = await library.create(torrent.metainfo)
  const gate = Promise.withResolvers<void>()
  disk.before = (step) => (step === 'writeSynced' ? gate.promise : undefined)
  for (let index = 0; index < 4; index++) {
    await deliver(store, index, torrent.piece(index), descriptors)
  }
  const other = await library.open(infoHash)
  t.same([store.complete, library.complete(infoHash)], [true, false])
  const completed = new Promise((resolve) => library.onComplete(resolve))
  gate.resolve()
  await completed
  t.equal(library.complete(infoHash), true)
  await other?.close()
  await store.close()
})

t.test('no descriptor of a staged or removed file stays open', { skip: NO_PROC }, async (t) => {
  const folder = testFolder(t)
  const { library } = await life(t, folder)
  const torrent = small()
  await publish(library, torrent)
  await readAll(library, torrent)
  await library.remove(torrent.metainfo.infoHash)
  const open = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return 'closed since'
    }
  })
  t.notOk(open.some((path) => path.startsWith(folder)))
})

t.test(
  'an incomplete torrent is known to be so after a restart, without being opened',
  async (t) => {
    const folder = testFolder(t)
    const first = await life(t, folder)
    const [whole, part] = [small(), small()]
    await publish(first.library, whole)
    const store = await first.library.create(part.metainfo)
    await deliver(store, 2, part.piece(2), first.descriptors)
    await store.close()
    await first.close()

    rmSync(join(placeOf(folder, part.metainfo.infoHash), 'ledger'))
    const { library } = await life(t, folder)
    t.same(
      [whole, part].map(({ metainfo }) => library.complete(metainfo.infoHash)),
      [true, false]
    )
  }
)

t.test('a marker left by a crash is put right when the torrent is opened', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = small()
  const { infoHash } = torrent.metainfo
  await publish(first.library, torrent)
  await first.close()
  writeFileSync(join(folder, 'incomplete', infoHash), '')
  writeFileSync(join(folder, 'incomplete', small().metainfo.infoHash), '')

  const second = await life(t, folder)
  t.equal(second.library.complete(infoHash), false)
  await (await second.library.open(infoHash))?.close()
  t.equal(second.library.complete(infoHash), true)
  await second.close()
  t.same(readdirSync(join(folder, 'incomplete')), [])
})

t.test('content whose ledger is lost or torn is found again in the background', async (t) => {
  for (const damage of [rmSync, (path: string) => truncateSync(path, 50)]) {
    const folder = testFolder(t)
    const first = await life(t, folder)
    const torrent = folderOf([PIECE + 5, 2 * PIECE])
    const { infoHash } = torrent.metainfo
    await publish(first.library, torrent)
    await first.close()
    damage(join(placeOf(folder, infoHash), 'ledger'))

    const second = await life(t, folder)
    const incomplete = new Promise((resolve) => second.library.onIncomplete(resolve))
    const completed = new Promise((resolve) => second.library.onComplete(resolve))
    const store = await second.library.open(infoHash)
    t.equal(await incomplete, infoHash)
    t.equal(await completed, infoHash)
    t.equal(store?.complete, true)
    await store?.close()
    await second.close()

    const third = await life(t, folder)
    t.equal(await readAll(third.library, torrent), true)
    await third.close()
  }
})

t.test('only the pieces of a touched file lose their claims, until they are hashed', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = folderOf([2 * PIECE, 2 * PIECE])
  const { infoHash } = torrent.metainfo
  await publish(first.library, torrent)
  await first.close()
  const touched = join(placeOf(folder, infoHash), 'files', '1')
  const damaged = Buffer.from(torrent.bytes.subarray(2 * PIECE))
  damaged[PIECE + 3] = (damaged[PIECE + 3] ?? 0) ^ 1
  writeFileSync(touched, damaged)
  utimesSync(touched, 1, 1)

  const { library } = await life(t, folder)
  const store = await library.open(infoHash)
  t.same(
    [0, 1].map((index) => store?.has(index)),
    [true, true]
  )
  await store?.whenProven(2, LATER)
  t.equal(await store?.prove(3, LATER), false)
  t.equal(library.complete(infoHash), false)
  await store?.close()
})

t.test('complete content is read without a single write', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = small()
  const { infoHash } = torrent.metainfo
  await publish(first.library, torrent)
  await first.close()
  const ledger = join(placeOf(folder, infoHash), 'ledger')
  const before = statSync(ledger, { bigint: true })

  const second = await life(t, folder)
  second.disk.before = () => {
    throw systemError('EROFS')
  }
  t.equal(await readAll(second.library, torrent), true)
  await second.close()
  t.same(second.disk.steps, [])
  const after = statSync(ledger, { bigint: true })
  t.same([after.ino, after.mtimeNs], [before.ino, before.mtimeNs])
})

t.test('a removed torrent is gone at once, from the disk and for its readers', async (t) => {
  const folder = testFolder(t)
  const { library, close } = await life(t, folder)
  const torrent = small()
  const { infoHash } = torrent.metainfo
  await publish(library, torrent)
  const store = await library.open(infoHash)
  await store?.prove(0, LATER)
  const waiting = t.rejects(store?.whenProven(1, LATER) ?? Promise.resolve())
  await library.remove(infoHash)
  await waiting
  t.equal(library.has(infoHash), false)
  t.equal(existsSync(placeOf(folder, infoHash)), false)
  t.equal(await library.open(infoHash), undefined)
  await store?.close()
  await library.remove(infoHash)
  t.equal(await publish(library, torrent, 'once-more'), 'stored')
  t.equal(await readAll(library, torrent), true)
  await close()
  t.same(readdirSync(join(folder, 'trash')), [])
})

t.test('what an earlier life left half done is removed', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const staging = await first.library.stage('cut-off')
  writeFileSync(staging.filePath(0), 'half')
  await first.close()
  const second = await life(t, folder)
  t.equal(existsSync(staging.folder), false)
  await second.library.stage('cut-off')
  await second.close()
  t.same(readdirSync(join(folder, 'trash')), [])
})

t.test('a damaged metainfo file is mended by whoever brings the metainfo', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = small()
  const { infoHash } = torrent.metainfo
  await publish(first.library, torrent)
  await first.close()
  const path = join(placeOf(folder, infoHash), 'metainfo')
  const bytes = readFileSync(path)
  bytes[30] = (bytes[30] ?? 0) ^ 1
  writeFileSync(path, bytes)

  const { library } = await life(t, folder)
  t.equal(await library.open(infoHash), undefined)
  const store = await library.create(torrent.metainfo)
  t.equal(store.complete, true)
  await store.close()
  t.equal(await readAll(library, torrent), true)
})

t.test('opening the library looks at names only', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = small()
  const { infoHash } = torrent.metainfo
  await publish(first.library, torrent)
  await first.close()
  for (const name of ['ledger', 'metainfo', 'files']) {
    rmSync(join(placeOf(folder, infoHash), name), { recursive: true })
  }
  writeFileSync(join(folder, 'library', infoHash.slice(0, 2), 'not-a-torrent'), '')
  const { library } = await life(t, folder)
  t.same([...library.list()], [infoHash])
})

t.test('the library tells the room on its volume', async (t) => {
  const { library } = await life(t, testFolder(t))
  t.ok((await library.freeBytes()) > 0)
})

t.test('a closed library refuses work', async (t) => {
  const { library, close } = await life(t, testFolder(t))
  await close()
  await t.rejects(library.open(small().metainfo.infoHash), { code: 'SHUTTING_DOWN' })
  await library.close()
})

t.test('on a short disk what is there is read, what is missing is not asked for', async (t) => {
  const space = fakeSpace(-1)
  const { library, descriptors } = await life(t, testFolder(t), { space })
  const torrent = small()
  const store = await library.create(torrent.metainfo)
  await deliver(store, 0, torrent.piece(0), descriptors)
  const pin = await store.pin({ start: 0, end: PIECE }, LATER)
  pin[Symbol.dispose]()
  await t.rejects(store.pin({ start: 0, end: PIECE + 1 }, LATER), { code: 'STORE_FULL' })
  t.equal(await library.freeBytes(), 0)
  space.become(5)
  t.equal(await library.freeBytes(), 5)
  await t.resolves(store.pin({ start: 0, end: PIECE + 1 }, LATER))
  await store.close()
})

t.test(
  'a file whose time changes while it is open is hashed again before it is read',
  async (t) => {
    const folder = testFolder(t)
    const { library } = await life(t, folder, { watchMs: 1 })
    const torrent = small()
    await publish(library, torrent)
    const store = await library.open(torrent.metainfo.infoHash)
    t.ok(await readAll(library, torrent))
    const start = { start: 0, end: 1 }
    t.equal(store?.provenPrefix(start).end, 1)
    const file = join(placeOf(folder, torrent.metainfo.infoHash), 'files', '0')
    utimesSync(file, 1, 1)
    while (store?.provenPrefix(start).end === 1) await new Promise(setImmediate)
    t.ok(await readAll(library, torrent), 'its bytes are right after all')
    await store?.close()
  }
)

t.test(
  'what a crash left of a ledger or metainfo in the making is gone once it is open',
  async (t) => {
    const folder = testFolder(t)
    const torrent = small()
    const place = placeOf(folder, torrent.metainfo.infoHash)
    const first = await life(t, folder)
    await publish(first.library, torrent)
    await first.close()
    for (const name of ['ledger.new', 'metainfo.new']) writeFileSync(join(place, name), 'half')
    const { library } = await life(t, folder)
    t.ok(await readAll(library, torrent))
    t.same(readdirSync(place).sort(), ['files', 'ledger', 'metainfo'])
  }
)
