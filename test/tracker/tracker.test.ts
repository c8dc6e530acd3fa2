import { createSocket } from 'node:dgram'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import type { InfoHash } from '../../core/info-hash.ts'
import { createControlClient } from '../../lib/control/client.ts'
import type { Control } from '../../lib/control/control.ts'
import { createMetrics } from '../../lib/metrics/metrics.ts'
import type { TrackerConfig } from '../../tracker/config.ts'
import { openTracker } from '../../tracker/tracker.ts'
import { changesAfter, positionOf, stateOf } from '../contract/control-reading.ts'
import { silentLog } from '../fakes/silent-log.ts'
import { testFolder } from '../fakes/test-folder.ts'
import { openControl } from './open-control.ts'
import { nodeId, seeder, torrentOf } from './torrents.ts'

const SECRET = 'a-cluster-secret'
const a = torrentOf('a')

t.test('what is published may be announced, at once; what is not may not', async (t) => {
  const { tracker } = await open(t)
  t.match(await announce(tracker.url, a.draft.infoHash), /failure reason/)
  await tracker.control.commit(a.draft, a.info, nodeId(1))
  t.match(await announce(tracker.url, a.draft.infoHash), /8:interval/)
  await tracker.control.unpublish(a.draft.infoHash)
  t.match(await announce(tracker.url, a.draft.infoHash), /failure reason/)
})

t.test('with access "fleet" nothing may be announced, with "any" everything', async (t) => {
  const fleet = await open(t, { access: 'fleet' })
  await fleet.tracker.control.commit(a.draft, a.info, nodeId(1))
  t.match(await announce(fleet.tracker.url, a.draft.infoHash), /failure reason/)
  const any = await open(t, { access: 'any', folder: `${t.testdirName}/any` })
  t.match(await announce(any.tracker.url, a.draft.infoHash), /8:interval/)
})

t.test('UDP answers on the number of the TCP port', async (t) => {
  const { tracker } = await open(t)
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const answered = new Promise<Buffer>((resolve) => socket.once('message', resolve))
  const connect = Buffer.from('0000041727101980' + '00000000' + 'cafebabe', 'hex')
  socket.send(connect, tracker.port, '127.0.0.1')
  t.equal((await answered).toString('hex', 0, 8), '00000000cafebabe')
})

t.test('WebSocket clients are taken on the same port', async (t) => {
  const { tracker } = await open(t)
  const socket = new WebSocket(tracker.url.replace('http', 'ws'))
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve))
  await tracker.close()
  await closed
})

t.test('other processes use the same control interface with the cluster secret', async (t) => {
  const { tracker } = await open(t)
  const client = createControlClient({ url: tracker.url, secret: SECRET })
  t.teardown(() => client.close())
  await client.commit(a.draft, a.info, nodeId(1))
  t.same(await client.lookup(a.draft.infoHash), await tracker.control.lookup(a.draft.infoHash))
})

t.test('without a cluster secret there is no control interface', async (t) => {
  const { tracker } = await open(t, { clusterSecret: undefined })
  t.equal((await fetch(`${tracker.url}/control/v1/snapshot`)).status, 404)
  t.match(await announce(tracker.url, a.draft.infoHash), /failure reason/)
})

t.test('announce URLs follow from the address, never a wildcard, or are those given', async (t) => {
  const { tracker } = await open(t)
  t.same(tracker.announceUrls, [
    `http://127.0.0.1:${tracker.port}/announce`,
    `udp://127.0.0.1:${tracker.port}/announce`,
    `ws://127.0.0.1:${tracker.port}`
  ])
  const wild = await open(t, { host: '0.0.0.0', folder: `${t.testdirName}/wild` })
  t.notMatch(wild.tracker.announceUrls.join(' '), '0.0.0.0')
  t.notMatch(wild.tracker.url, '0.0.0.0')
  const announceUrls = ['https://tracker.example/announce']
  const given = await open(t, { announceUrls, folder: `${t.testdirName}/given` })
  t.same(given.tracker.announceUrls, announceUrls)
})

t.test('the first key is shown to the operator and survives as a hash', async (t) => {
  const first = await open(t)
  await first.tracker.control.register(seeder(1, { wantsKey: true }))
  t.equal(first.shownKeys.length, 1)
  await first.tracker.close()
  const again = await open(t, { folder: first.folder })
  await again.tracker.control.register(seeder(1, { wantsKey: true }))
  t.same(again.shownKeys, [])
})

t.test('a key for links is made once, for its owner only, and told to every node', async (t) => {
  const first = await open(t)
  const key = await signingKeys(first.tracker.control)
  t.match(key, [{ id: /^[0-9a-f]{8}$/, secret: /^[\w-]{43}$/ }])
  t.equal((await stat(`${first.folder}/catalogue.sqlite`)).mode & 0o777, 0o600)
  const client = createControlClient({ url: first.tracker.url, secret: SECRET })
  t.teardown(() => client.close())
  t.same(await signingKeys(client), key)
  await first.tracker.close()
  const again = await open(t, { folder: first.folder })
  t.same(await signingKeys(again.tracker.control), key, 'a restart makes no other')
})

t.test('a catalogue of the version before gets the key as news of its feed', async (t) => {
  const folder = testFolder(t)
  const { control, catalogue } = await openControl(t, folder)
  const before = await positionOf(control)
  await catalogue.ensureSigningKey()
  const changes = await changesAfter(control, before)
  t.match(changes, [{ type: 'signing-key', signingKey: { revision: before.revision + 1 } }])
})

t.test('the catalogue is counted for the metrics', async (t) => {
  const { tracker, metrics } = await open(t)
  await tracker.control.register(seeder(1))
  await tracker.control.register(seeder(2))
  await tracker.control.commit(a.draft, a.info, nodeId(1))
  const text = await metrics.registry.metrics()
  t.match(text, 'swarmgate_torrents{state="published"} 1')
  t.match(text, 'swarmgate_replicas{state="wanted"} 2')
  t.match(text, 'swarmgate_replicas{state="ready"} 1')
  await tracker.control.report(nodeId(2), {
    replace: false,
    held: [a.draft.infoHash],
    dropped: []
  })
  t.match(await metrics.registry.metrics(), 'swarmgate_replicas{state="ready"} 2')
})

t.test(
  'a port that is taken ends the start with its reason, and leaves nothing open',
  async (t) => {
    const occupant = createServer()
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve))
    t.teardown(() => occupant.close())
    const address = occupant.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    await t.rejects(open(t, { port }), { code: 'EADDRINUSE' })
  }
)

t.test('closing ends waiting long polls and may be done twice', async (t) => {
  const { tracker } = await open(t)
  const { position } = await tracker.control.snapshot()
  const client = createControlClient({ url: tracker.url, secret: SECRET })
  t.teardown(() => client.close())
  const waiting = client.changes(position, 30_000).catch(() => undefined)
  const direct = tracker.control.changes(position, 30_000).catch(() => undefined)
  await tracker.close()
  await Promise.all([waiting, direct, tracker.close()])
})

async function open(t: Test, changed: Partial<TrackerConfig> = {}) {
  const config: TrackerConfig = {
    host: '127.0.0.1',
    port: 0,
    announceUrls: undefined,
    access: 'published',
    replicas: 2,
    folder: changed.folder ?? testFolder(t),
    clusterSecret: SECRET,
    ...changed
  }
  const metrics = createMetrics()
  const shownKeys: string[] = []
  const announceKey = (key: string) => void shownKeys.push(key)
  const tracker = await openTracker(config, { log: silentLog, metrics, announceKey })
  t.teardown(() => tracker.close())
  return { tracker, metrics, shownKeys, folder: config.folder }
}

async function signingKeys(control: Control) {
  const { signingKeys } = await stateOf(control)
  return [...signingKeys.values()]
}

async function announce(url: string, infoHash: InfoHash): Promise<string> {
  const escaped = infoHash.replace(/../g, (digits) => `%${digits}`)
  const query = `info_hash=${escaped}&peer_id=${'p'.repeat(20)}&port=6881&left=0&compact=1`
  const response = await fetch(`${url}/announce?${query}&uploaded=0&downloaded=0`)
  return Buffer.from(await response.arrayBuffer()).toString('latin1')
}
