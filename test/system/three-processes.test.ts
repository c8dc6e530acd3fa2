import t from 'tap'
import { parseInfoHash } from '../../core/info-hash.ts'
import { testFolder } from '../fakes/test-folder.ts'
import { dial, FAST, ID } from '../lib/swarm/raw-peer.ts'
import { apart, publishAt } from './fleet.ts'
import { eventually, fetchBytes, noise, type Published, pathOf } from './publish.ts'

t.test('the bytes of a gateway apart come over the wire from the seeder', async (t) => {
  const fleet = await apart(t, testFolder(t))
  const bytes = noise(5 * 2 ** 20 + 3, 4)
  const torrent = await publishAt(fleet, 'movie.mp4', bytes)
  const got = await fetchBytes(fleet.gateway + pathOf(torrent))
  t.equal(got.response.status, 200)
  t.ok(got.bytes.equals(bytes))
  const metrics = await (await fetch(`${fleet.front.addresses.admin}/metrics`)).text()
  t.match(metrics, /swarmgate_http_response_bytes_total\{source="seeder"\} [1-9]/)

  const second = await fleet.anotherGateway?.()
  const there = await fetchBytes(second?.addresses.gateway + pathOf(torrent))
  t.ok(there.bytes.equals(bytes), 'a second gateway gets the same bytes')
})

t.test('kill -9 of the gateway and of the seeder in the middle loses nothing', async (t) => {
  const fleet = await apart(t, testFolder(t))
  const bytes = noise(24 * 2 ** 20, 5)
  const torrent = await publishAt(fleet, 'movie.mp4', bytes)

  const download = await fetch(fleet.gateway + pathOf(torrent))
  await download.body?.getReader().read()
  const gateway = await fleet.restart('gateway')
  const whole = await fetchBytes(gateway.addresses.gateway + pathOf(torrent))
  t.ok(whole.bytes.equals(bytes), 'after the gateway came back')

  const other = noise(24 * 2 ** 20, 6)
  const next = await publishAt({ gateway: gateway.addresses.gateway ?? '' }, 'other.bin', other)
  const response = await fetch(gateway.addresses.gateway + pathOf(next))
  await fleet.restart('seeder')
  const running = Buffer.from(await response.arrayBuffer())
  t.ok(running.equals(other), 'the download that was running when the seeder died ends well')
})

t.test('with the tracker down, what is known is served, cold pieces included', async (t) => {
  const fleet = await apart(t, testFolder(t))
  const bytes = noise(2 ** 20 + 1, 7)
  const torrent = await publishAt(fleet, 'cold.bin', bytes)
  await eventually(async () => {
    const status = (await (await fetch(torrent.links.self)).json()) as Partial<Published>
    return status.replicas?.ready === 1 ? true : undefined
  })
  await fleet.kill('tracker')
  const got = await fetchBytes(fleet.gateway + pathOf(torrent))
  t.equal(got.response.status, 200)
  t.ok(got.bytes.equals(bytes))
  const unknown = await fetch(`${fleet.gateway}/${'1'.repeat(40)}/x`)
  t.equal(unknown.status, 503, 'what nobody here knows is not denied')
})

t.test('with access for the fleet its nodes serve each other, and nobody else', async (t) => {
  const fleet = await apart(t, testFolder(t), { SWARMGATE_SWARM_ACCESS: 'fleet' })
  const bytes = noise(3 * 2 ** 20 + 1, 12)
  const torrent = await publishAt(fleet, 'inside.bin', bytes)
  const got = await fetchBytes(fleet.gateway + pathOf(torrent))
  t.ok(got.bytes.equals(bytes), 'the gateway fetched it from the seeder')

  const [host = '', port] = (fleet.seeder.addresses.wire?.[0] ?? '').split(':')
  t.equal(host, '127.0.0.1')
  const infoHash = parseInfoHash(torrent.infoHash)
  if (infoHash === undefined) throw new Error('no infohash')
  const peer = await dial(Number(port), infoHash)
  peer.greet()
  await peer.closed
  t.notOk(
    peer.received.some(({ id }) => id === ID.bitfield || id === FAST.haveAll),
    'a stranger is not even told what there is'
  )
})
