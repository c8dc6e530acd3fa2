/** Nodes, holdings, assignments and keys, as every implementation of `Control` keeps them. */
import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import { type ControlFixture, LEASE_MS } from '../tracker/open-control.ts'
import { nodeId, seeder, torrentOf } from '../tracker/torrents.ts'
import { changesAfter, positionOf, stateOf } from './control-reading.ts'

type Open = (t: Test) => Promise<ControlFixture>

const [ALICE, BOB, CAROL] = [nodeId(1), nodeId(2), nodeId(3)]

export function controlFleetSuite(t: Test, open: Open): void {
  leases(t, open)
  holdings(t, open)
  assignments(t, open)
  keys(t, open)
}

function leases(t: Test, open: Open): void {
  t.test('a registered node is told to the fleet as it described itself', async (t) => {
    const { control } = await open(t)
    const node = seeder(1, { roles: ['seeder', 'gateway'], ingestUrl: null, zone: 'east' })
    t.same(await control.register(node), { leaseMs: LEASE_MS, registerAgain: false })
    const { revision, ...told } = (await stateOf(control)).nodes.get(ALICE) ?? { revision: 0 }
    t.ok(revision > 0)
    t.same(told, { ...node, live: true })
  })

  t.test('a node that stays silent for longer than its lease is dead', async (t) => {
    const { control, pass } = await open(t)
    await control.register(seeder(1))
    await pass(LEASE_MS)
    t.equal((await stateOf(control)).nodes.get(ALICE)?.live, true, 'alive to the end')
    await pass(1)
    t.equal((await stateOf(control)).nodes.get(ALICE)?.live, false)
  })

  t.test('a heartbeat renews the lease and makes no noise', async (t) => {
    const { control, pass } = await open(t)
    const { freeBytes } = seeder(1)
    await control.register(seeder(1))
    const at = await positionOf(control)
    await pass(LEASE_MS)
    const report = { freeBytes: freeBytes - 1000, draining: false }
    t.match(await control.heartbeat(ALICE, report), { registerAgain: false })
    await pass(LEASE_MS)
    t.same(await positionOf(control), at)
  })

  t.test('a heartbeat tells the fleet that a node drains or fills up', async (t) => {
    const { control } = await open(t)
    await control.register(seeder(1))
    await control.heartbeat(ALICE, { freeBytes: 1000, draining: true })
    t.match((await stateOf(control)).nodes.get(ALICE), { freeBytes: 1000, draining: true })
  })

  t.test('a node that is dead or unknown is asked to register again', async (t) => {
    const { control, pass } = await open(t)
    const report = { freeBytes: 1, draining: false }
    t.match(await control.heartbeat(ALICE, report), { registerAgain: true })
    await control.register(seeder(1))
    await pass(LEASE_MS + 1)
    t.match(await control.heartbeat(ALICE, report), { registerAgain: true })
    await control.register(seeder(1))
    t.equal((await stateOf(control)).nodes.get(ALICE)?.live, true)
  })
}

function holdings(t: Test, open: Open): void {
  t.test('a report adds and drops holdings; replacing swaps the whole list', async (t) => {
    const { control } = await open(t)
    await control.register(seeder(1))
    await control.register(seeder(2))
    const [a, b, c] = ['a', 'b', 'c'].map((name) => torrentOf(name))
    for (const { draft, info } of [a!, b!, c!]) await control.commit(draft, info, ALICE)
    const heldBy = async (id: string) => {
      const state = await stateOf(control)
      const entries = [...state.entries.values()]
      const held = entries.filter(({ infoHash }) =>
        state.holders(infoHash).some((node) => node.id === id)
      )
      return held.map(({ name }) => name).toSorted()
    }
    const [A, B, C] = [a!.draft.infoHash, b!.draft.infoHash, c!.draft.infoHash]
    await control.report(BOB, { replace: false, held: [A, B], dropped: [] })
    t.same(await heldBy(BOB), ['a', 'b'])
    await control.report(BOB, { replace: false, held: [], dropped: [A] })
    t.same(await heldBy(BOB), ['b'])
    await control.report(BOB, { replace: true, held: [C], dropped: [] })
    t.same(await heldBy(BOB), ['c'])
    t.same(await heldBy(ALICE), ['a', 'b', 'c'], 'a report is about its own node only')
  })

  t.test('the same report twice is no news, and unknown torrents are not recorded', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    await control.commit(draft, info, ALICE)
    const stranger = torrentOf('never published').draft.infoHash
    const report = { replace: true, held: [draft.infoHash, stranger], dropped: [] }
    await control.report(BOB, report)
    const at = await positionOf(control)
    await control.report(BOB, report)
    t.same(await positionOf(control), at)
    const changes = await changesAfter(control, { epoch: at.epoch, revision: 0 })
    t.notOk(changes.some(({ type, ...what }) => JSON.stringify(what).includes(stranger)))
  })
}

function assignments(t: Test, open: Open): void {
  t.test('a torrent short of copies is assigned to a seeder without one', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    for (const n of [1, 2, 3]) await control.register(seeder(n))
    await control.commit(draft, info, ALICE)
    t.same(await control.assignments(ALICE), [])
    const assigned = [await control.assignments(BOB), await control.assignments(CAROL)]
    t.same(assigned.flat(), [draft.infoHash], 'to exactly one of the others')
  })

  t.test('it is assigned no more once the copies are there', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    for (const n of [1, 2, 3]) await control.register(seeder(n))
    await control.commit(draft, info, ALICE)
    await control.report(BOB, { replace: false, held: [draft.infoHash], dropped: [] })
    for (const id of [ALICE, BOB, CAROL]) t.same(await control.assignments(id), [])
  })

  t.test('a dead or draining holder is replaced', async (t) => {
    const { control, pass } = await open(t)
    const { draft, info } = torrentOf('a')
    for (const n of [1, 2, 3]) await control.register(seeder(n))
    await control.commit(draft, info, ALICE)
    await control.commit(draft, info, BOB)
    await control.heartbeat(BOB, { freeBytes: seeder(2).freeBytes, draining: true })
    t.same(await control.assignments(CAROL), [draft.infoHash])
    await control.heartbeat(BOB, { freeBytes: seeder(2).freeBytes, draining: false })
    t.same(await control.assignments(CAROL), [])
    await pass(LEASE_MS / 2)
    const alive = { freeBytes: seeder(1).freeBytes, draining: false }
    await control.heartbeat(ALICE, alive)
    await control.heartbeat(CAROL, alive)
    await pass(LEASE_MS / 2 + 1)
    t.same(await control.assignments(CAROL), [draft.infoHash])
  })

  t.test('gateways, full seeders and unknown nodes are given nothing', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a', { replicas: 5 })
    await control.register(seeder(1))
    await control.register(seeder(2, { roles: ['gateway'] }))
    await control.register(seeder(3, { freeBytes: draft.size - 1 }))
    await control.commit(draft, info, ALICE)
    for (const id of [BOB, CAROL, nodeId(9)]) t.same(await control.assignments(id), [])
  })

  t.test('neither the unpublished nor the empty is assigned', async (t) => {
    const { control } = await open(t)
    for (const n of [1, 2]) await control.register(seeder(n))
    const gone = torrentOf('gone')
    const empty = torrentOf('empty', { size: 0 })
    await control.commit(gone.draft, gone.info, ALICE)
    await control.commit(empty.draft, empty.info, ALICE)
    await control.unpublish(gone.draft.infoHash)
    t.same(await control.assignments(BOB), [])
  })
}

function keys(t: Test, open: Open): void {
  t.test('the first gateway that wants a key makes one: shown once, told as a hash', async (t) => {
    const { control, shownKeys } = await open(t)
    await control.register(seeder(1, { roles: ['gateway'], wantsKey: true }))
    await control.register(seeder(2, { roles: ['gateway'], wantsKey: true }))
    await control.register(seeder(1, { roles: ['gateway'], wantsKey: true }))
    t.equal(shownKeys.length, 1)
    const hash = createHash('sha256')
      .update(shownKeys[0] ?? '')
      .digest('hex')
    const told = [...(await stateOf(control)).keys.values()]
    t.match(told, [{ hash, revoked: false, scopes: ['publish', 'read', 'admin'] }])
    t.notOk(JSON.stringify(told).includes(shownKeys[0] ?? ''), 'the key itself is told to nobody')
  })

  t.test('a fleet that asks for no key has none', async (t) => {
    const { control, shownKeys } = await open(t)
    await control.register(seeder(1))
    t.same(shownKeys, [])
    t.equal((await stateOf(control)).keys.size, 0)
  })
}
