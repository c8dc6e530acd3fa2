/** A real Chromium with stock webtorrent as a peer of a real installation. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { openBrowser } from '../lib/swarm/webrtc/browser.ts'
import { type Apart, apart, publishAt } from './fleet.ts'
import type { Running } from './process.ts'
import { eventually, fetchBytes, noise, pathOf } from './publish.ts'
import { saveTorrent } from './wire-only.ts'

/** A browser offers itself to who has announced before it; `peers` is how many must have. */
async function haveAnnounced({ processes: [tracker] }: Apart, peers: number): Promise<void> {
  await eventually(async () => {
    const told =
      tracker && (await sumOf(tracker, 'swarmgate_tracker_announces_total{protocol="ws"'))
    return (told ?? 0) >= peers ? true : undefined
  })
}

/** The sum of the samples that begin with `start`. */
async function sumOf({ addresses }: Running, start: string): Promise<number> {
  const metrics = await (await fetch(`${addresses.admin}/metrics`)).text()
  const lines = metrics.split('\n').filter((line) => line.startsWith(start))
  return lines.reduce((sum, line) => sum + Number(/ (\d+)$/.exec(line)?.[1]), 0)
}

// A browser looks only every ten seconds whom to unchoke.
const PATIENT = { timeout: 600_000 }

t.test(
  'Chromium fetches from a seeder, and a gateway takes pieces from Chromium',
  PATIENT,
  async (t) => {
    const page = await openBrowser(t)
    if (page === undefined) return
    const folder = testFolder(t)
    const fleet = await apart(t, folder)
    const bytes = noise(6 * 2 ** 20 + 5, 11)
    const torrent = await publishAt(fleet, 'film.bin', bytes)

    const first = await fetchBytes(fleet.gateway + pathOf(torrent), { range: 'bytes=0-9' })
    t.equal(first.response.status, 206, 'the gateway has begun to take part')
    await haveAnnounced(fleet, 2)
    const file = await readFile(await saveTorrent(torrent, join(folder, 'film.torrent')))
    const announce = fleet.tracker.replace('http:', 'ws:')
    const result = await page.evaluate<{ sha256: string }>(
      `leech(${JSON.stringify(file.toString('base64'))}, ${JSON.stringify(announce)})`
    )
    t.equal(result.sha256, createHash('sha256').update(bytes).digest('hex'))

    await eventually(async () =>
      (await sumOf(fleet.front, 'swarmgate_swarm_peers')) >= 2 ? 1 : undefined
    )
    await fleet.kill('seeder')
    const whole = await fetchBytes(fleet.gateway + pathOf(torrent))
    t.ok(whole.bytes.equals(bytes), 'with the seeder gone the bytes are there')
    const fromPeers = await sumOf(fleet.front, 'swarmgate_http_response_bytes_total{source="peer"}')
    t.ok(fromPeers > 2 ** 20, 'and came from the browser')
  }
)
