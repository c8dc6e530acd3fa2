/**
 * transmission-cli against the tracker and the wire.
 *
 * Transmission takes no peer on a loopback address, so everything listens on an own address of the
 * machine here; on a machine without one the test skips.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { launchClient, ownAddress, without } from './clients.ts'
import { PLACES, publishAt, whenSentToStrangers } from './fleet.ts'
import { eventually, noise, sha256 } from './publish.ts'
import { saveTorrent, whenSeeded } from './wire-only.ts'

const SIZE = 6 * 2 ** 20 + 7
const NAME = 'movie.mp4'

const address = ownAddress()
const skip =
  without('transmission-cli') ||
  (address === undefined && 'this machine has no address but its loopback')

/** It asks nobody but the torrent's trackers. */
const SETTINGS = {
  'dht-enabled': false,
  'lpd-enabled': false,
  'pex-enabled': false,
  'utp-enabled': false,
  'port-forwarding-enabled': false,
  'peer-port-random-on-start': true
}

/** Resolves with the file once transmission-cli holds it whole; it would seed on for ever. */
async function transmission(t: Test, folder: string, torrent: string, digest: string) {
  const config = join(folder, 'config')
  await mkdir(config, { recursive: true })
  await writeFile(join(config, 'settings.json'), JSON.stringify(SETTINGS))
  launchClient(t, 'transmission-cli', ['-g', config, '-w', folder, torrent])
  return eventually(async () => {
    const bytes = await readFile(join(folder, NAME)).catch(() => undefined)
    return bytes !== undefined && sha256(bytes) === digest ? bytes : undefined
  })
}

// It waits more than it works.
t.jobs = PLACES.length

for (const { where, install } of PLACES) {
  const options = { skip, timeout: 600_000 }
  t.test(`transmission-cli downloads from peers alone, ${where}`, options, async (t) => {
    const data = testFolder(t)
    const site = await install(t, join(data, 'data'), {
      SWARMGATE_TRACKER_HOST: address ?? '',
      SWARMGATE_WIRE_HOST: address ?? ''
    })
    const bytes = noise(SIZE, 23)
    const published = await publishAt(site, NAME, bytes)
    await whenSeeded(site.tracker, published)
    const torrent = await saveTorrent(published, join(data, 'peers.torrent'))
    const got = await transmission(t, join(data, 'got'), torrent, sha256(bytes))
    t.ok(got.equals(bytes))
    t.ok(await whenSentToStrangers(site.seeder, SIZE), 'the seeder sent it over the wire')
  })
}
