import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { geometryOf } from '../../../core/geometry.ts'
import { parseInfoHash } from '../../../core/info-hash.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { createDurableDisk } from '../../../lib/store/durable-disk.ts'
import { decodeLedger } from '../../../lib/store/ledger.ts'
import { createLedgerKeeper } from '../../../lib/store/ledger-keeper.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import { recordingDisk, systemError } from '../../fakes/recording-disk.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const infoHash = parseInfoHash('0123456789'.repeat(4))

/** 8 pieces of 10 bytes in three files: pieces 0-2, 2-5 and 5-7. */
function setup(t: Test, batch: { batchBytes?: number; batchMs?: number } = {}) {
  if (infoHash === undefined) throw new RangeError('infohash')
  const folder = testFolder(t)
  const starts = Float64Array.of(0, 25, 55, 80)
  for (let k = 0; k < 3; k++) {
    writeFileSync(join(folder, String(k)), Buffer.alloc((starts[k + 1] ?? 0) - (starts[k] ?? 0)))
  }
  const memory = PieceBits.allocate(8, 0)
  const bits = new PieceBits(memory, 8, 0)
  const identity = { infoHash, pieceCount: 8, segmentCount: 3 }
  const descriptors = createDescriptors({ max: 4 })
  const disk = recordingDisk(createDurableDisk(descriptors))
  const commits: boolean[] = []
  const path = join(folder, 'ledger')
  const keeper = createLedgerKeeper(
    {
      path,
      identity,
      geometry: geometryOf(80, 10),
      layout: { folder, starts, kind: 'library' },
      content: { have: new Uint8Array(1), records: new Map() },
      batchMs: 3_600_000,
      ...batch
    },
    { bits, disk, log: silentLog, usedAt: () => 0, onCommitted: (full) => commits.push(full) }
  )
  t.teardown(async () => {
    await keeper.close()
    await descriptors.close()
  })
  const inLedger = () => {
    const content = decodeLedger(readFileSync(path), identity)
    return content?.have[0]?.toString(2).padStart(8, '0')
  }
  const put = (...pieces: number[]) => {
    for (const index of pieces) {
      bits.prove(index)
      keeper.noteWritten(10)
    }
  }
  const base = folder.split('/').at(-1)
  const steps = () => disk.steps.splice(0).map((step) => step.replaceAll(base ?? '', 'F'))
  return { keeper, bits, disk, commits, inLedger, put, steps }
}

t.test('data is synced, then the ledger is replaced, then the folder is synced', async (t) => {
  const { keeper, put, steps, inLedger } = setup(t)
  put(0)
  await keeper.flush()
  t.same(steps(), ['syncData F/0', 'writeSynced ledger.new', 'rename ledger.new', 'syncFolder F'])
  t.equal(inLedger(), '10000000')
})

t.test('only the files that new pieces touch are synced', async (t) => {
  const { keeper, put, steps } = setup(t)
  put(0, 1)
  await keeper.flush()
  steps()
  put(5)
  await keeper.flush()
  t.same(steps().slice(0, 2).sort(), ['syncData F/1', 'syncData F/2'])
})

t.test('nothing new is nothing written', async (t) => {
  const { keeper, put, steps, commits } = setup(t)
  await keeper.flush()
  put(3)
  await keeper.flush()
  steps()
  await keeper.flush()
  await keeper.close()
  t.same(steps(), [])
  t.same(commits, [false])
})

t.test('a piece that arrives while its file is synced waits for the next commit', async (t) => {
  const { keeper, bits, disk, put, inLedger } = setup(t)
  const seen: (string | undefined)[] = []
  disk.before = (step) => {
    if (step === 'syncData') bits.prove(1)
    if (step === 'syncFolder') seen.push(inLedger())
  }
  put(0)
  await keeper.flush()
  t.same(seen, ['10000000'], 'its bytes may not have been synced')
  await keeper.flush()
  t.equal(inLedger(), '11000000')
})

t.test('a bit set before its message came is synced too', async (t) => {
  const { keeper, bits, put, steps, inLedger } = setup(t)
  bits.prove(7)
  put(0)
  await keeper.flush()
  t.same(steps().slice(0, 2).sort(), ['syncData F/0', 'syncData F/2'])
  t.equal(inLedger(), '10000001')
})

t.test('a bit is never in the ledger when its sync failed', async (t) => {
  const { keeper, disk, put, inLedger, commits } = setup(t)
  disk.before = (step, path) => {
    if (step === 'syncData' && path.endsWith('/1')) throw systemError('EIO')
  }
  put(0, 3, 7)
  await t.rejects(keeper.flush(), { code: 'STORE_FAILED' })
  t.equal(inLedger(), '10000001', 'the others are')
  disk.before = () => {}
  put(1, 2, 4, 5, 6)
  await t.rejects(keeper.flush(), { code: 'STORE_FAILED' })
  t.equal(inLedger(), '11000011', 'a second sync cannot be believed')
  t.same(commits, [false, false])
})

t.test('a full disk keeps the old ledger, is told, and the next flush writes it all', async (t) => {
  const { keeper, disk, put, inLedger } = setup(t)
  put(0)
  await keeper.flush()
  for (const failing of ['writeSynced', 'rename', 'syncFolder']) {
    put(1)
    disk.before = (step) => {
      if (step === failing) throw systemError('ENOSPC')
    }
    await t.rejects(keeper.flush(), { code: 'STORE_FULL' }, failing)
    if (failing !== 'syncFolder') t.equal(inLedger(), '10000000', failing)
  }
  disk.before = () => {}
  await keeper.flush()
  t.equal(inLedger(), '11000000')
})

t.test('a batch of bytes commits by itself, and a full torrent at once', async (t) => {
  const { keeper, put, commits, inLedger } = setup(t, { batchBytes: 30 })
  put(0, 1)
  t.same(commits, [])
  put(2)
  await keeper.flush()
  t.equal(commits.length, 1)
  put(3, 4, 5, 6, 7)
  await keeper.close()
  t.equal(commits.at(-1), true)
  t.equal(inLedger(), '11111111')
})

t.test('a small piece is committed after the pause', async (t) => {
  const { keeper, disk, put, inLedger } = setup(t, { batchMs: 1 })
  const renamed = new Promise<void>((resolve) => {
    disk.before = (step) => {
      if (step === 'syncFolder') resolve()
    }
  })
  put(4)
  await renamed
  t.equal(inLedger(), '00001000')
  await keeper.close()
})

t.test('a failed commit is tried again by itself', async (t) => {
  const { disk, put, inLedger } = setup(t, { batchMs: 1 })
  let failures = 2
  const committed = new Promise<void>((resolve) => {
    disk.before = (step) => {
      if (step === 'writeSynced' && failures-- > 0) throw systemError('ENOSPC')
      if (step === 'syncFolder') resolve()
    }
  })
  put(4)
  await committed
  t.equal(inLedger(), '00001000')
})

t.test('a withdrawn piece leaves the ledger, and is synced when it comes back', async (t) => {
  const { keeper, bits, put, steps, inLedger } = setup(t)
  put(0, 1)
  await keeper.flush()
  bits.clear(1)
  keeper.withdraw({ first: 1, end: 2 })
  await keeper.flush()
  t.equal(inLedger(), '10000000')
  steps()
  put(1)
  await keeper.flush()
  t.equal(steps()[0], 'syncData F/0')
  t.equal(inLedger(), '11000000')
})

t.test('a piece rewritten while a commit runs is synced again', async (t) => {
  const { keeper, bits, disk, put, steps } = setup(t)
  put(0)
  disk.before = (step) => {
    if (step !== 'writeSynced') return
    bits.clear(0)
    keeper.withdraw({ first: 0, end: 1 })
    bits.prove(0)
  }
  await keeper.flush()
  disk.before = () => {}
  steps()
  await keeper.flush()
  t.equal(steps()[0], 'syncData F/0')
})

t.test('an abandoned ledger is not written any more', async (t) => {
  const { keeper, put, steps } = setup(t, { batchBytes: 10_000 })
  put(0)
  await keeper.abandon()
  put(1)
  await keeper.flush()
  await keeper.close()
  t.same(steps(), [])
})
