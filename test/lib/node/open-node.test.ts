import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Control } from '../../../lib/control/control.ts'
import { createMetrics } from '../../../lib/metrics/metrics.ts'
import { type NodeConfig, openNode } from '../../../lib/node/open-node.ts'
import { roleFolder } from '../../../lib/node/role-folder.ts'
import { memoryFleet } from '../../fakes/memory-fleet.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

function prepare(t: Test, over: Partial<NodeConfig> = {}, wire: Partial<NodeConfig['swarm']> = {}) {
  const folder = testFolder(t)
  const config: NodeConfig = {
    roles: ['seeder', 'gateway'],
    seederFolder: join(folder, 'seeder'),
    cache: { folder: join(folder, 'gateway'), limitBytes: 2 ** 24 },
    swarm: {
      engine: 'webtorrent',
      wireHost: '127.0.0.1',
      wirePort: 0,
      workers: 1,
      wireAdvertise: undefined,
      ...wire
    },
    announceUrls: [],
    ...over
  }
  const fleet = memoryFleet()
  const changes: Control['changes'] = async (_after, _waitMs, signal) => {
    await once(signal as AbortSignal, 'abort')
    throw new Error('over')
  }
  const position = { epoch: 'e', revision: 1 }
  const snapshot: Control['snapshot'] = async () => ({ position, changes: [], next: null })
  const part: Pick<Control, 'changes' | 'snapshot' | 'metainfo' | 'report'> = {
    ...fleet,
    changes,
    snapshot
  }
  const control = part as Control
  const metrics = createMetrics()
  return { folder, config, deps: { control, metrics, log }, metrics }
}

t.test('id and view of the fleet lie with the seeder, pieces with the gateway', async (t) => {
  const { folder, config, deps, metrics } = prepare(t)
  const node = await openNode(config, deps)
  t.teardown(node.close)
  const seeder = await readdir(join(folder, 'seeder'))
  t.ok(seeder.includes('node-id'))
  t.notOk((await readdir(join(folder, 'gateway'))).includes('node-id'))
  t.match(node.wire, [/^127\.0\.0\.1:[1-9]\d*$/])
  t.match(await metrics.registry.metrics(), 'swarmgate_cache_bytes 0')
  const { id } = node
  await node.close()
  const again = await openNode(config, { ...deps, metrics: createMetrics() })
  t.equal(again.id, id, 'the same after a restart')
  await again.close()
})

t.test('a gateway alone keeps its id with its cache and has no library', async (t) => {
  const { folder, config, deps } = prepare(t, { roles: ['gateway'], seederFolder: undefined })
  const node = await openNode(config, deps)
  t.teardown(node.close)
  t.equal(node.library, undefined)
  t.ok((await readdir(join(folder, 'gateway'))).includes('node-id'))
})

t.test('a seeder alone has no cache', async (t) => {
  const { config, deps, metrics } = prepare(t, { roles: ['seeder'], cache: undefined })
  const node = await openNode(config, deps)
  t.teardown(node.close)
  t.equal(node.cache, undefined)
  t.notMatch(await metrics.registry.metrics(), 'swarmgate_cache_bytes')
})

t.test('advertised addresses replace the bound ones', async (t) => {
  const wireAdvertise = ['wire.example:7000']
  const { config, deps } = prepare(t, {}, { wireAdvertise })
  const node = await openNode(config, deps)
  t.teardown(node.close)
  t.same(node.wire, wireAdvertise)
})

t.test('a step that fails closes the steps before it', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const busy = prepare(t, {}, { wirePort: port })
  await t.rejects(openNode(busy.config, busy.deps), /EADDRINUSE/)

  const { config, deps, folder } = prepare(t)
  await mkdir(join(folder, 'gateway'), { recursive: true })
  await writeFile(join(folder, 'gateway', 'cache'), 'not a folder')
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port: wirePort } = free.address() as AddressInfo
  await new Promise((resolve) => free.close(resolve))
  const broken = { ...config, swarm: { ...config.swarm, wirePort } }
  await t.rejects(openNode(broken, deps))
  const again = createServer().listen(wirePort, '127.0.0.1')
  await once(again, 'listening')
  t.pass('the port of the wire is free again')
  again.close()
})

t.test('a node without a role is refused', async (t) => {
  const { config, deps } = prepare(t, { seederFolder: undefined, cache: undefined })
  await t.rejects(openNode(config, deps), /role/)
  t.equal(roleFolder('/data', 'tracker'), '/data/tracker')
})
