/**
 * What ended or flooded the packages Swarmgate is built on, sent to its running processes.
 *
 * After all of it every process runs still, none had to restart a part of itself, and what was
 * published is served right: by the gateway that was attacked, and by one that has to fetch it.
 */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseInfoHash } from '../../core/info-hash.ts'
import { testFolder } from '../fakes/test-folder.ts'
import { dial } from '../lib/swarm/raw-peer.ts'
import { type Installation, PLACES, publishAt } from './fleet.ts'
import { DATAGRAMS, sendDatagrams } from './hostile-datagrams.ts'
import { fetchBlock, PACKETS } from './hostile-packets.ts'
import { ANNOUNCES, BAD_TARGETS, rawRequest } from './hostile-requests.ts'
import { sendSignals } from './hostile-signals.ts'
import { fetchBytes, noise, type Published, pathOf } from './publish.ts'

const bytes = noise(3 * 2 ** 20 + 1, 51)

/** Every process runs, says nothing of a failure, and the file comes whole from the gateway. */
async function unharmed(t: Test, site: Installation, published: Published) {
  for (const { process, lines } of site.processes) {
    t.equal(process.exitCode ?? process.signalCode, null, 'the process runs')
    const failures = lines.filter(({ level }) => level === 'error' || level === 'fatal')
    t.same(failures, [], 'and no part of it failed')
  }
  const got = await fetchBytes(site.gateway + pathOf(published))
  t.equal(got.response.status, 200)
  t.ok(got.bytes.equals(bytes), 'the file is served right')
  for (const { addresses } of site.processes) {
    t.equal((await fetch(`${addresses.admin}/health/ready`)).status, 200)
  }
}

for (const { where, install } of PLACES) {
  t.test(`hostile input leaves every process unharmed, ${where}`, async (t) => {
    const site = await install(t, join(testFolder(t), 'data'))
    const published = await publishAt(site, 'movie.mp4', bytes)
    const { infoHash } = published
    await unharmed(t, site, published)

    const wires = new Set(site.processes.flatMap(({ addresses }) => addresses.wire ?? []))
    t.equal(wires.size, where === 'apart' ? 2 : 1)
    for (const wire of wires) {
      await t.test(`packets to the wire ${wire}`, async (t) => {
        const open = () => dial(Number(wire.split(':').at(-1)), parseInfoHash(infoHash)!)
        for (const { run, closes } of PACKETS) {
          const peer = await open()
          await run(peer)
          if (closes) await peer.closed
          const honest = await open()
          const block = await fetchBlock(honest)
          t.ok(block.equals(bytes.subarray(0, block.length)), 'the next peer is served')
          await Promise.all([peer.end(), honest.end()])
        }
      })
    }
    await unharmed(t, site, published)

    await t.test('announces and scrapes over HTTP', async (t) => {
      for (const query of ANNOUNCES) {
        const target = query.replaceAll('HASH', percent(infoHash))
        const answer = await rawRequest(site.tracker, `GET ${target} HTTP/1.1\r\n`, {
          'X-Forwarded-For': 'no address, 1.2.3.4.5'
        })
        t.match(answer, /^HTTP\/1\.1 [24]/, target.slice(0, 80))
      }
    })

    await t.test('datagrams and signalling', async (t) => {
      const port = Number(new URL(site.tracker).port)
      t.equal(await sendDatagrams(t, port, infoHash), DATAGRAMS.length)
      await sendSignals(t, site.tracker.replace('http:', 'ws:'), infoHash)
    })
    await unharmed(t, site, published)

    await t.test('URLs and requests to the gateway', async (t) => {
      for (const target of BAD_TARGETS) {
        const line = target.replaceAll('HASH', infoHash)
        const answer = await rawRequest(site.gateway, line, {})
        t.match(answer, /^HTTP\/1\.1 4\d\d /, JSON.stringify(line.slice(0, 80)))
      }
    })
    await unharmed(t, site, published)

    const other = await site.anotherGateway?.()
    if (other === undefined) return
    const cold = await fetchBytes(other.addresses.gateway + pathOf(published))
    t.ok(cold.bytes.equals(bytes), 'and to a gateway that comes later')
  })
}

function percent(infoHash: string): string {
  return infoHash.replace(/../g, '%$&')
}
