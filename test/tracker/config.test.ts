import t from 'tap'
import { loadConfig } from '../../lib/config/load.ts'
import { trackerSettings } from '../../tracker/config.ts'

const load = (env: Record<string, string>) => loadConfig({ tracker: trackerSettings }, env).tracker

t.test('without settings the tracker is on this machine and wants two copies', async (t) => {
  t.same(load({}), {
    host: '127.0.0.1',
    port: 8000,
    announceUrls: undefined,
    access: 'published',
    replicas: 2
  })
})

t.test('every setting is read', async (t) => {
  const settings = load({
    SWARMGATE_TRACKER_HOST: '::',
    SWARMGATE_TRACKER_PORT: '0',
    SWARMGATE_TRACKER_ANNOUNCE_URLS: 'https://t.example/announce, udp://t.example:80',
    SWARMGATE_SWARM_ACCESS: 'fleet',
    SWARMGATE_REPLICAS: '3'
  })
  t.same(settings, {
    host: '::',
    port: 0,
    announceUrls: ['https://t.example/announce', 'udp://t.example:80'],
    access: 'fleet',
    replicas: 3
  })
})

const refused: [string, string][] = [
  ['SWARMGATE_TRACKER_ANNOUNCE_URLS', 'ftp://t.example'],
  ['SWARMGATE_SWARM_ACCESS', 'everybody'],
  ['SWARMGATE_REPLICAS', '0']
]
for (const [name, value] of refused) {
  t.test(`${name}=${value} is refused`, async (t) => {
    t.throws(() => load({ [name]: value }), { message: new RegExp(name) })
  })
}
