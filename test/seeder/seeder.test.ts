import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { ADMISSION_HEADER, signAdmission } from '../../lib/api/admission.ts'
import type { Torrent } from '../../lib/api/torrent.ts'
import { createHttpApp } from '../../lib/http/app.ts'
import { createMetrics } from '../../lib/metrics/metrics.ts'
import { createDiskJobs } from '../../lib/store/disk-jobs.ts'
import type { SeederConfig } from '../../seeder/config.ts'
import { openSeeder, type SeederDeps } from '../../seeder/seeder.ts'
import { memoryCatalogue, recordingNode } from './catalogue.ts'
import { expectedInfoHash, log, openTestLibrary, someBytes } from './rig.ts'

const SECRET = 'of the cluster'
const CONFIG: SeederConfig = {
  host: '127.0.0.1',
  port: 0,
  advertiseUrl: undefined,
  capacityBytes: undefined,
  zone: 'default',
  maxUploadBytes: 2 ** 30,
  maxUploads: 8,
  maxIdleMs: 60_000
}

async function depsFor(t: Test, overrides: Partial<SeederDeps> = {}): Promise<SeederDeps> {
  const library = await openTestLibrary(t)
  const catalogue = memoryCatalogue()
  return {
    node: {
      ...recordingNode((infoHash) => library.remove(infoHash)),
      host: async () => {},
      statsOf: () => undefined
    },
    library,
    replica: catalogue,
    control: catalogue,
    disk: createDiskJobs(),
    announceUrls: ['http://tracker.test/announce'],
    metrics: createMetrics(),
    log,
    ...overrides
  }
}

async function open(t: Test, config = CONFIG, overrides: Partial<SeederDeps> = {}) {
  const seeder = await openSeeder(config, await depsFor(t, overrides))
  t.teardown(() => seeder.close())
  return seeder
}

const signed = (overrides: { maxBytes?: number; expiresAt?: number; secret?: string } = {}) => ({
  [ADMISSION_HEADER]: signAdmission(overrides.secret ?? SECRET, {
    principal: 'key-1',
    maxBytes: overrides.maxBytes ?? 1_000_000,
    baseUrl: 'https://gateway.example',
    expiresAt: overrides.expiresAt ?? Date.now() + 60_000
  })
})

const apart = { clusterSecret: SECRET }
const put = (url: string, body: Buffer, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'PUT', body, headers })

t.test('apart, an upload that a gateway signed is taken, with its links', async (t) => {
  const seeder = await open(t, CONFIG, { apart })
  const bytes = someBytes(1000)
  const answer = await put(`${seeder.ingestUrl}/v1/files/a.bin`, bytes, signed())
  t.equal(answer.status, 201)
  const { links } = (await answer.json()) as Torrent
  const infoHash = expectedInfoHash('a.bin', bytes)
  t.equal(links.gateway, `https://gateway.example/${infoHash}/a.bin`)
  t.match(links.magnet, /tr=http%3A%2F%2Ftracker\.test%2Fannounce/)
})

t.test('apart, nobody else uploads', async (t) => {
  const seeder = await open(t, CONFIG, { apart })
  const url = `${seeder.ingestUrl}/v1/files/a.bin`
  const bytes = someBytes(10)
  const refused = [
    {},
    { [ADMISSION_HEADER]: 'made up' },
    { authorization: `Bearer ${SECRET}` },
    signed({ secret: 'another' }),
    signed({ expiresAt: Date.now() - 1 })
  ]
  for (const headers of refused) t.equal((await put(url, bytes, headers)).status, 401)
  t.equal((await put(url, bytes, signed({ maxBytes: 9 }))).status, 413, 'nor more than signed')
})

t.test('the advertised URL is what gateways are told', async (t) => {
  const advertiseUrl = 'http://seeder-1.internal:8081'
  const seeder = await open(t, { ...CONFIG, advertiseUrl }, { apart })
  t.equal(seeder.ingestUrl, advertiseUrl)
})

t.test('in one process it listens nowhere and its routes are mounted', async (t) => {
  const seeder = await open(t)
  t.equal(seeder.ingestUrl, null)
  const app = createHttpApp({ log })
  t.teardown(() => app.close())
  const admission = { principal: 'local', maxBytes: 1000, baseUrl: 'http://localhost:8080' }
  app.register(async (scope) => seeder.routes(scope, async () => admission))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const answer = await put(`http://127.0.0.1:${port}/v1/files/b`, someBytes(7))
  t.equal(answer.status, 201)
  t.match(await answer.json(), { links: { gateway: /^http:\/\/localhost:8080\// } })
})

t.test('a port that is taken fails the opening, and nothing stays behind', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  const deps = await depsFor(t, { apart })
  await t.rejects(openSeeder({ ...CONFIG, port }, deps), { code: 'EADDRINUSE' })
})

t.test('closing twice is fine, and uploads are refused from then on', async (t) => {
  const seeder = await open(t, CONFIG, { apart })
  const url = `${seeder.ingestUrl}/v1/files/late`
  await Promise.all([seeder.close(), seeder.close()])
  await t.rejects(put(url, someBytes(1), signed()))
})
