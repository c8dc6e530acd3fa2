import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { AppError } from '../../../core/errors.ts'
import type { Change, Control, Entry } from '../../../lib/control/control.ts'
import { openReplica, type Replica } from '../../../lib/control/replica.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { openControl } from '../../tracker/open-control.ts'
import { nodeId, seeder, torrentOf } from '../../tracker/torrents.ts'

type Feed = Pick<Control, 'changes' | 'snapshot' | 'lookup'>

const ALICE = nodeId(1)
const never = new AbortController().signal

t.test('a replica knows what the tracker knew before, and hears of what comes', async (t) => {
  const { control } = await openControl(t)
  await control.register(seeder(1))
  await publish(control, 'before')
  const replica = await open(t, control)
  await replica.caughtUp(never)
  t.equal(replica.connected, true)
  t.match(replica.node(ALICE), { live: true })
  t.match(replica.entry(torrentOf('before').draft.infoHash), { name: 'before' })

  const heard = nextEntry(replica, 'after')
  await publish(control, 'after')
  t.match(await heard, { state: 'published' })
  t.same([...replica.entries()].map(({ name }) => name).toSorted(), ['after', 'before'])
  t.same(
    replica.holders(torrentOf('before').draft.infoHash).map(({ id }) => id),
    [ALICE]
  )
})

t.test('a tombstone is heard and kept', async (t) => {
  const { control } = await openControl(t)
  await publish(control, 'a')
  const replica = await open(t, control)
  await replica.caughtUp(never)
  const heard = nextEntry(replica, 'a')
  const { infoHash } = torrentOf('a').draft
  await control.unpublish(infoHash)
  t.match(await heard, { state: 'unpublished' })
  t.equal(replica.entry(infoHash)?.state, 'unpublished')
})

t.test(
  'while the tracker is down, the last known state is served, also after a restart',
  async (t) => {
    const folder = testFolder(t, { tracker: {}, node: {} })
    const { control } = await openControl(t, join(folder, 'tracker'))
    await control.register(seeder(1, { wantsKey: true }))
    await publish(control, 'a')
    const first = await open(t, control, join(folder, 'node'))
    await first.caughtUp(never)
    await first.close()

    const again = await open(t, deaf(), join(folder, 'node'))
    const { infoHash } = torrentOf('a').draft
    t.equal(again.connected, false)
    t.same(again.entry(infoHash), await control.lookup(infoHash))
    t.same(
      again.holders(infoHash).map(({ id }) => id),
      [ALICE]
    )
    t.equal(again.keysKnown, true)
    t.equal(again.keys().length, 1)
    await t.rejects(again.caughtUp(AbortSignal.timeout(20)))
  }
)

t.test('the keys of links are known newest first, also after a restart', async (t) => {
  const folder = testFolder(t, { tracker: {}, node: {} })
  const { control, catalogue } = await openControl(t, join(folder, 'tracker'))
  await catalogue.ensureSigningKey()
  const first = await open(t, control, join(folder, 'node'))
  await first.caughtUp(never)
  const newer = { id: 'newer', secret: 'x'.repeat(43), revision: 1000 }
  first.apply({ type: 'signing-key', signingKey: newer })
  const known = first.signingKeys()
  t.equal(known.length, 2)
  t.same(known[0], newer)
  await first.close()
  const again = await open(t, deaf(), join(folder, 'node'))
  t.same(again.signingKeys(), known)
})

t.test('a replica goes on where it was, and takes no second snapshot', async (t) => {
  const folder = testFolder(t, { tracker: {}, node: {} })
  const { control } = await openControl(t, join(folder, 'tracker'))
  await publish(control, 'a')
  const first = await open(t, control, join(folder, 'node'))
  await first.caughtUp(never)
  await first.close()
  await publish(control, 'b')
  const snapshot = async () => t.fail('no snapshot is needed') as never
  const again = await open(t, { ...control, snapshot }, join(folder, 'node'))
  await again.caughtUp(never)
  t.same([...again.entries()].map(({ name }) => name).toSorted(), ['a', 'b'])
})

t.test('without any word of the tracker it is not known whether there are keys', async (t) => {
  const replica = await open(t, deaf())
  t.equal(replica.keysKnown, false)
  const { control } = await openControl(t)
  const connected = await open(t, control)
  await connected.caughtUp(never)
  t.equal(connected.keysKnown, true)
  t.same(connected.keys(), [])
})

t.test('an outage removes nothing, and the feed goes on after it', async (t) => {
  const { control } = await openControl(t)
  await publish(control, 'a')
  let down = false
  const outage = Promise.withResolvers<void>()
  const failing: Feed = {
    ...control,
    async changes(after, waitMs, signal) {
      if (down) {
        outage.resolve()
        throw new AppError('TRACKER_UNAVAILABLE', 'down')
      }
      return control.changes(after, Math.min(waitMs, 10), signal)
    }
  }
  const replica = await open(t, failing)
  await replica.caughtUp(never)
  down = true
  await outage.promise
  t.match(replica.entry(torrentOf('a').draft.infoHash), { state: 'published' })
  const heard = nextEntry(replica, 'b')
  await publish(control, 'b')
  down = false
  t.match(await heard, { state: 'published' })
})

t.test('a new epoch replaces the state; what is absent is told to nobody', async (t) => {
  const folder = testFolder(t, { old: {}, restored: {}, node: {} })
  const old = await openControl(t, join(folder, 'old'))
  await publish(old.control, 'lost')
  await publish(old.control, 'kept')
  const restored = await openControl(t, join(folder, 'restored'))
  await publish(restored.control, 'kept')
  const switchable = switching(old.control)
  const replica = await open(t, switchable, join(folder, 'node'))
  await replica.caughtUp(never)

  const told: Change[] = []
  replica.on((change) => told.push(change))
  const heard = nextEntry(replica, 'kept')
  switchable.to(restored.control)
  await heard
  t.equal(replica.entry(torrentOf('lost').draft.infoHash), undefined)
  t.notOk(JSON.stringify(told).includes('lost'))
})

t.test('own doings take effect at once, are kept, and are told once', async (t) => {
  const folder = testFolder(t)
  const replica = await open(t, deaf(), folder)
  const told: Change[] = []
  replica.on((change) => told.push(change))
  const change: Change = { type: 'entry', entry: entryOf('own', 3) }
  replica.apply(change)
  replica.apply(change)
  t.same(told, [change])
  t.match(replica.entry(entryOf('own').infoHash), { name: 'own' })
  await replica.close()
  const again = await open(t, deaf(), folder)
  t.match(again.entry(entryOf('own').infoHash), { name: 'own' })
})

t.test('a listener that throws hurts neither the others nor the feed', async (t) => {
  const replica = await open(t, deaf())
  const heard: string[] = []
  replica.on(() => {
    throw new Error('mine')
  })
  const stop = replica.on(({ type }) => heard.push(type))
  replica.apply({ type: 'entry', entry: entryOf('a', 1) })
  stop()
  replica.apply({ type: 'entry', entry: entryOf('b', 2) })
  t.same(heard, ['entry'])
})

t.test('what is unknown here is asked of the tracker once, whoever asks', async (t) => {
  const asked: string[] = []
  const answer = Promise.withResolvers<Entry | undefined>()
  const control: Feed = {
    ...deaf(),
    lookup(infoHash) {
      asked.push(infoHash)
      return answer.promise
    }
  }
  const replica = await open(t, control)
  const { infoHash } = entryOf('a')
  const impatient = new AbortController()
  const waiting = [1, 2, 3].map(() => replica.lookup(infoHash, never))
  const leaving = replica.lookup(infoHash, impatient.signal)
  impatient.abort(new Error('gone'))
  await t.rejects(leaving, { message: 'gone' })
  answer.resolve(entryOf('a', 4))
  for (const entry of await Promise.all(waiting)) t.match(entry, { name: 'a', revision: 4 })
  t.match(await replica.lookup(infoHash, never), { name: 'a' })
  t.same(asked, [infoHash])
})

t.test('"unknown" is believed for a second, no longer', async (t) => {
  let time = 0
  let asked = 0
  const control: Feed = {
    ...deaf(),
    async lookup() {
      asked += 1
      return asked === 1 ? undefined : entryOf('a', 1)
    }
  }
  const replica = await open(t, control, freshFolder(t), () => time)
  const { infoHash } = entryOf('a')
  t.equal(await replica.lookup(infoHash, never), undefined)
  time = 999
  t.equal(await replica.lookup(infoHash, never), undefined)
  t.equal(asked, 1)
  time = 1000
  t.match(await replica.lookup(infoHash, never), { name: 'a' })
})

t.test('"unknown" does not outlive a commit that is told by the feed', async (t) => {
  const { control } = await openControl(t)
  const replica = await open(t, control, freshFolder(t), () => 0)
  await replica.caughtUp(never)
  const { infoHash } = entryOf('a')
  t.equal(await replica.lookup(infoHash, never), undefined)
  const heard = nextEntry(replica, 'a')
  await publish(control, 'a')
  await heard
  t.match(await replica.lookup(infoHash, never), { name: 'a' })
})

t.test('unknown here and no answer is an error, not "unknown"', async (t) => {
  const replica = await open(t, deaf())
  const { infoHash } = entryOf('a')
  await t.rejects(replica.lookup(infoHash, never), { code: 'TRACKER_UNAVAILABLE' })
  await t.rejects(replica.lookup(infoHash, never), { code: 'TRACKER_UNAVAILABLE' })
})

t.test('a torn journal is no reason not to start', async (t) => {
  const folder = testFolder(t)
  await writeFile(join(folder, 'replica.jsonl'), '{"format":"swarmgate-repl')
  const replica = await open(t, deaf(), folder)
  t.same([...replica.entries()], [])
})

t.test('closing ends a waiting long poll and may be done twice', async (t) => {
  const { control } = await openControl(t)
  const replica = await open(t, control)
  await replica.caughtUp(never)
  await replica.close()
  await replica.close()
})

async function open(t: Test, control: Feed, folder = freshFolder(t), now?: () => number) {
  const clock = now === undefined ? {} : { now }
  const replica = await openReplica({ folder }, { control, log: silentLog, ...clock })
  t.teardown(() => replica.close())
  return replica
}

/** A folder beside those of `t.testdir`, which empties its own at every call. */
function freshFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'replica-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A tracker that never answers. */
function deaf(): Feed {
  const fail = async () => {
    throw new AppError('TRACKER_UNAVAILABLE', 'the tracker is down')
  }
  return { changes: fail, snapshot: fail, lookup: fail }
}

/** A control interface that another tracker may take over. */
function switching(first: Control): Feed & { to(next: Control): void } {
  let control = first
  return {
    changes: (after, waitMs, signal) => control.changes(after, Math.min(waitMs, 10), signal),
    snapshot: (cursor) => control.snapshot(cursor),
    lookup: (infoHash) => control.lookup(infoHash),
    to(next) {
      control = next
    }
  }
}

function nextEntry(replica: Replica, name: string): Promise<Entry> {
  return new Promise((resolve) => {
    const stop = replica.on((change) => {
      if (change.type !== 'entry' || change.entry.name !== name) return
      stop()
      resolve(change.entry)
    })
  })
}

async function publish(control: Control, name: string): Promise<void> {
  const { draft, info } = torrentOf(name)
  await control.commit(draft, info, ALICE)
}

function entryOf(name: string, revision = 1): Entry {
  return { ...torrentOf(name).draft, replicas: 2, state: 'published', createdAt: 1, revision }
}
