/** aria2c against the tracker, the wire and the gateway. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { freePort, run, without } from './clients.ts'
import { PLACES, publishAt, sentToStrangers, whenSentToStrangers } from './fleet.ts'
import { noise, sha256 } from './publish.ts'
import { peersOnly, saveTorrent, whenSeeded } from './wire-only.ts'

const SIZE = 12 * 2 ** 20 + 13
const NAME = 'Film – 1.mkv'
const bytes = noise(SIZE, 21)
const digest = sha256(bytes)

/** aria2c asks nobody but the torrent's trackers, and leaves when the download is whole or stuck. */
const ARIA2 = [
  ...['--no-conf', '--quiet', '--allow-overwrite', '--file-allocation=none', '--seed-time=0'],
  ...['--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false'],
  ...['--enable-peer-exchange=false', '--bt-stop-timeout=280', '--follow-torrent=mem']
]

/** Downloads and returns the SHA-256 of what came. */
async function aria2(t: Test, folder: string, args: readonly string[]): Promise<string> {
  const port = await freePort()
  const all = [...ARIA2, `--listen-port=${port}`, `--dir=${folder}`, ...args]
  const { code, stdout } = await run(t, 'aria2c', all)
  t.equal(code, 0, `aria2c ends well ${stdout}`)
  return sha256(await readFile(join(folder, NAME)).catch(() => Buffer.alloc(0)))
}

for (const { where, install } of PLACES) {
  t.test(`aria2c downloads, ${where}`, { skip: without('aria2c') }, async (t) => {
    const data = testFolder(t)
    const site = await install(t, join(data, 'data'))
    const published = await publishAt(site, NAME, bytes)
    await whenSeeded(site.tracker, published)

    await t.test('by .torrent, from peers alone', async (t) => {
      const file = await saveTorrent(published, join(data, 'peers.torrent'))
      t.equal(await aria2(t, join(data, 'torrent'), [file]), digest)
      t.ok(await whenSentToStrangers(site.seeder, SIZE), 'the seeder sent it over the wire')
    })

    await t.test('by magnet, from peers alone', async (t) => {
      const before = await sentToStrangers(site.seeder)
      t.equal(await aria2(t, join(data, 'magnet'), [peersOnly(published)]), digest)
      t.ok(await whenSentToStrangers(site.seeder, before + SIZE), 'again over the wire')
    })

    await t.test('by the URL of the .torrent, web seed and all', async (t) => {
      t.equal(await aria2(t, join(data, 'seeded'), [published.links.torrent]), digest)
    })

    await t.test('by HTTP in 8 parts', async (t) => {
      const other = await site.anotherGateway?.()
      const path = new URL(published.links.gateway).pathname
      const url = (other?.addresses.gateway ?? site.gateway) + path
      const args = ['-x8', '-s8', '--min-split-size=1M', url]
      t.equal(await aria2(t, join(data, 'split'), args), digest)
    })
  })
}
