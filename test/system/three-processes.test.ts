import t, { type Test } from 'tap'
import { type Running, start } from './process.ts'
import { eventually, fetchBytes, noise, pathOf, publish } from './publish.ts'

const SECRET = 'a-secret-of-the-test'

async function startFleet(t: Test) {
  const shared = { SWARMGATE_CLUSTER_SECRET: SECRET }
  const trackerData = t.testdir({ tracker: {}, seeder: {}, gateway: {} })
  const tracker = await start(
    t,
    { ...shared, SWARMGATE_DATA_DIR: `${trackerData}/tracker` },
    'tracker'
  )
  const fleet = { ...shared, SWARMGATE_TRACKER_URL: tracker.addresses.tracker as string }
  const seederSettings = { ...fleet, SWARMGATE_DATA_DIR: `${trackerData}/seeder` }
  const gatewaySettings = { ...fleet, SWARMGATE_DATA_DIR: `${trackerData}/gateway` }
  const seeder = await start(t, seederSettings, 'seeder')
  const gateway = await start(t, gatewaySettings, 'gateway')
  return { tracker, seeder, gateway, fleet, seederSettings, gatewaySettings, data: trackerData }
}

/** The first key is made by the tracker only for gateways bound elsewhere; here none is needed. */
async function publishAt(gateway: Running, name: string, bytes: Buffer) {
  return eventually(async () => {
    try {
      return await publish(gateway.addresses.gateway as string, name, bytes)
    } catch (err) {
      if (String(err).includes('503')) return undefined
      throw err
    }
  })
}

t.test('the bytes of a gateway apart come over the wire from the seeder', async (t) => {
  const { gateway, fleet, data } = await startFleet(t)
  const bytes = noise(5 * 2 ** 20 + 3, 4)
  const torrent = await publishAt(gateway, 'movie.mp4', bytes)
  const got = await fetchBytes(gateway.addresses.gateway + pathOf(torrent))
  t.equal(got.response.status, 200)
  t.ok(got.bytes.equals(bytes))
  const metrics = await (await fetch(`${gateway.addresses.admin}/metrics`)).text()
  t.match(metrics, /swarmgate_http_response_bytes_total\{source="seeder"\} [1-9]/)

  const second = await start(t, { ...fleet, SWARMGATE_DATA_DIR: `${data}/second` }, 'gateway')
  const there = await fetchBytes(second.addresses.gateway + pathOf(torrent))
  t.ok(there.bytes.equals(bytes), 'a second gateway gets the same bytes')
})

t.test('kill -9 of the gateway and of the seeder in the middle loses nothing', async (t) => {
  const { seeder, gateway, gatewaySettings, seederSettings } = await startFleet(t)
  const bytes = noise(24 * 2 ** 20, 5)
  const torrent = await publishAt(gateway, 'movie.mp4', bytes)

  const download = fetch(gateway.addresses.gateway + pathOf(torrent))
  const reader = (await download).body?.getReader()
  await reader?.read()
  await gateway.stop('SIGKILL')
  const again = await start(t, gatewaySettings, 'gateway')
  const whole = await fetchBytes(again.addresses.gateway + pathOf(torrent))
  t.ok(whole.bytes.equals(bytes), 'after the gateway came back')

  const other = noise(24 * 2 ** 20, 6)
  const next = await publishAt(again, 'other.bin', other)
  const response = await fetch(again.addresses.gateway + pathOf(next))
  await seeder.stop('SIGKILL')
  await start(t, seederSettings, 'seeder')
  const running = Buffer.from(await response.arrayBuffer())
  t.ok(running.equals(other), 'the download that was running when the seeder died ends well')
})

t.test('with the tracker down, what is known is served, cold pieces included', async (t) => {
  const { tracker, gateway } = await startFleet(t)
  const bytes = noise(2 ** 20 + 1, 7)
  const torrent = await publishAt(gateway, 'cold.bin', bytes)
  await tracker.stop('SIGKILL')
  const got = await fetchBytes(gateway.addresses.gateway + pathOf(torrent))
  t.equal(got.response.status, 200)
  t.ok(got.bytes.equals(bytes))
  const unknown = await fetch(`${gateway.addresses.gateway}/${'1'.repeat(40)}/x`)
  t.equal(unknown.status, 503, 'what nobody here knows is not denied')
})
